import SystemPackage
import TestSupport
import Testing

/// `--verify` reads the output back.
@Suite struct VerificationTests {
  let workspace: Workspace
  var input: FilePath { workspace.input }
  var output: FilePath { workspace.output }

  init() throws { workspace = try Workspace() }

  @Test(
    "An image of any size is read back to its end",
    arguments: [
      1, 511, 512, 513, 4095, 4096, 4097, 50_000, 1_048_575, 1_048_576, 1_048_577, 3_000_001,
    ])
  func imageOfAnySizeIsReadBackToItsEnd(size: Int) throws {
    try RawImage.write(RawImage.noise(count: size, seed: 151), to: input)
    #expect(try workspace.convert(["--verify"]).verified)
    try expectSound(output, equals: input)
  }

  @Test(
    "Holes, zeros and shared clusters are read back", arguments: ["512", "64K", "2M"],
    ["1", "2", "5"])
  func holesZerosAndSharedClustersAreReadBack(size: String, threads: String) throws {
    let data = RawImage.mixture(clusters: 300, size: 4096, kinds: 9, seed: 152)
    try RawImage.sparse(
      at: input, size: 9_000_000_001, islands: [4096: data, 5_000_000_000: data])
    let options = ["--verify", "--cluster-size", size, "--threads", threads]
    #expect(try workspace.convert(options).verified)
    try expectSound(output, equals: input)
  }

  @Test("What a pipe delivered cannot be read a second time, and the message says what to do")
  func whatPipeDeliveredCannotBeReadSecondTime() throws {
    try RawImage.write(RawImage.noise(count: 9000, seed: 153), to: input)
    var command = try workspace.conversion(["--verify"], from: "-")
    command.input = .pipe(contentsOf: input)
    let result = try command.run()
    #expect(result.exitCode == 1, "\(result)")
    #expect(result.errors.contains("leave out --verify"))
    #expect(try workspace.outputNames() == [])
  }
}
