import SystemPackage
import TestSupport
import Testing

/// The same input and options give the same bytes.
@Suite struct DeterminismTests {
  let workspace: Workspace
  var input: FilePath { workspace.input }
  var output: FilePath { workspace.output }

  init() throws {
    workspace = try Workspace()
    let noise = RawImage.noise(count: 6 << 20, seed: 41)
    let mixture = RawImage.mixture(clusters: 3000, size: 4096, kinds: 700, seed: 42)
    try RawImage.write(noise + mixture + noise + [1, 2, 3], to: workspace.input)
  }

  @Test(
    "Any number of threads and any run give the same bytes",
    arguments: [
      [], ["--log-store-order", "7", "--max-incarnations", "3"], ["--no-hash-store"],
      ["--cluster-size", "512"], ["--cluster-size", "64K"],
    ])
  func anyNumberOfThreadsAndAnyRunGiveSameBytes(options: [String]) throws {
    try workspace.convert(options + ["--threads", "1"])
    try expectSound(output, equals: input)
    let expected = try RawImage.read(output)
    for threads in ["2", "7", "7", "1"] {
      let again = workspace.folder.file("again.qcow2")
      try workspace.convert(options + ["--threads", threads, "--force"], to: again)
      #expect(try RawImage.read(again) == expected, "\(threads) threads")
    }
  }

  @Test(
    "A pipe gives the same bytes on every run, and as many as a file when the order is given",
    arguments: [[], ["--no-hash-store"]])
  func pipeAndFileGiveSameBytesWhenOrderIsGiven(options: [String]) throws {
    let options = options + ["--log-store-order", "9"]
    try workspace.convert(options)
    let fromPipe = workspace.folder.file("pipe.qcow2")
    try workspace.convert(options, from: "-", to: fromPipe, reading: .pipe(contentsOf: input))
    try expectSound(fromPipe, equals: input)
    // Its size is not known from the start, so its L1 table is at the end.
    let (first, file) = (try RawImage.read(fromPipe), try RawImage.read(output))
    #expect(first.count == file.count && first != file)
    try workspace.convert(
      options + ["--force"], from: "-", to: fromPipe, reading: .pipe(contentsOf: input))
    #expect(try RawImage.read(fromPipe) == first)
  }

  @Test("A copy without holes gives the same bytes as the file")
  func pipeAndCopyWithoutHolesGiveSameBytesAsFile() throws {
    try workspace.convert()
    let (dense, fromDense) = (workspace.folder.file("dense"), workspace.folder.file("dense.qcow2"))
    try Command("cp", ["--sparse=never", input.string, dense.string]).run().expectingExit(0)
    try workspace.convert(from: dense.string, to: fromDense)
    #expect(try RawImage.read(fromDense) == RawImage.read(output))
  }

  @Test("A file on standard input is read as well")
  func fileOnStandardInputIsReadAsWell() throws {
    try workspace.convert(from: "-", reading: .file(input))
    try expectSound(output, equals: input)
  }

  @Test("Bytes that come in odd pieces through a pipe make whole clusters")
  func bytesThatComeInOddPiecesThroughPipeMakeWhole() throws {
    let bytes = RawImage.mixture(clusters: 60, size: 4096, kinds: 9, seed: 43) + [7]
    let whole = workspace.folder.file("whole.img")
    try RawImage.write(bytes, to: whole)
    var command = try workspace.conversion(from: "-")
    command.input = .heldPipe
    let conversion = try command.start()
    for start in stride(from: 0, to: bytes.count, by: 777) {
      try conversion.send(Array(bytes[start..<min(start + 777, bytes.count)]))
    }
    try conversion.endInput()
    try conversion.wait().expectingExit(0)
    try expectSound(output, equals: whole)
  }
}
