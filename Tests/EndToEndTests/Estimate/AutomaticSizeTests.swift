import SystemPackage
import TestSupport
import Testing

/// The cluster size of a compressed image is chosen by its content, unless it is given.
@Suite struct AutomaticSizeTests {
  let workspace: Workspace
  var input: FilePath { workspace.input }
  var output: FilePath { workspace.output }

  init() throws { workspace = try Workspace() }

  /// No cluster twice, and so much that the tables of large clusters count little.
  private func makeSingleDisk() throws {
    try RawImage.write(RawImage.noise(count: 16 << 20, seed: 51), to: input)
  }

  /// The same content twice, at places whose distance is a multiple of 4 KiB and of nothing more.
  private func makeDoubleDisk() throws {
    let once = RawImage.noise(count: 3 << 20, seed: 52)
    try RawImage.write(once + RawImage.noise(count: 4096, seed: 53) + once, to: input)
  }

  private func expectRule(_ choice: Report.ClusterSizeChoice) {
    let sizes = choice.candidates.map(\.clusterSize)
    #expect(sizes == [4096, 8192, 16_384, 32_768, 65_536, 131_072])
    let smallest = choice.candidates.map(\.predictedFileBytes).min() ?? 0
    let allowed = choice.candidates.filter {
      Double($0.predictedFileBytes) <= Double(smallest) * 1.05
    }
    #expect(choice.clusterSize == allowed.map(\.clusterSize).max())
  }

  @Test(
    "A disk without duplicates gets large clusters, one with shifted copies small ones",
    arguments: CompressedImage.types)
  func contentChooses(type: String) throws {
    let options = ["-c", "--compression-type", type]
    try makeSingleDisk()
    var report = try workspace.convert(options)
    let large = try #require(report.clusterSizeChoice)
    expectRule(large)
    #expect(large.clusterSize >= 32_768 && large.clusterSize == report.output.clusterSize)
    #expect(try large.readBytes >= UInt64(RawImage.size(of: input)) && large.compressedBytes > 0)
    #expect(large.wallSeconds > 0)
    try expectCompressed(output, equals: input, with: type)
    try makeDoubleDisk()
    report = try workspace.convert(options + ["--force"])
    let small = try #require(report.clusterSizeChoice)
    expectRule(small)
    #expect(small.clusterSize == 4096 && report.output.clusterSize == 4096)
    #expect(report.clusters.duplicate == 768)
    try expectCompressed(output, equals: input, with: type)
  }

  @Test(
    "The output is that of the same size given, on every run and with any number of threads",
    arguments: [["-c"], ["-c", "--compression-type", "zstd", "--no-hash-store"]])
  func sameBytesAsGivenSize(options: [String]) throws {
    try Ext4Image.make(at: input, mebibytes: 40, seed: 5)
    let report = try workspace.convert(options + ["--threads", "2"])
    let expected = try RawImage.read(output)
    let choice = try #require(report.clusterSizeChoice)
    for threads in ["1", "2", "7"] {
      let again = try workspace.convert(options + ["--threads", threads, "--force"])
      #expect(try RawImage.read(output) == expected, "\(threads) threads")
      let candidates = again.clusterSizeChoice?.candidates.map(\.predictedFileBytes)
      #expect(candidates == choice.candidates.map(\.predictedFileBytes))
    }
    let named = try workspace.convert(
      options + ["--cluster-size", "auto", "--force"])
    #expect(named.clusterSizeChoice?.clusterSize == choice.clusterSize)
    #expect(try RawImage.read(output) == expected)
    let given = try workspace.convert(
      options + ["--cluster-size", "\(choice.clusterSize)", "--force"])
    #expect(given.clusterSizeChoice == nil)
    #expect(try RawImage.read(output) == expected)
  }

  @Test("A pipe keeps 4 KiB and says so; a file on standard input is chosen for")
  func pipeKeepsSmallClusters() throws {
    try makeSingleDisk()
    let piped = try workspace.convert(
      ["-c"], from: "-", reading: .pipe(contentsOf: input))
    #expect(piped.output.clusterSize == 4096 && piped.clusterSizeChoice == nil)
    #expect(piped.warnings.contains { $0.contains("pipe") && $0.contains("4 KiB") })
    let given = try workspace.convert(
      ["-c", "--cluster-size", "4K", "--force"], from: "-", reading: .pipe(contentsOf: input))
    #expect(given.output.clusterSize == 4096 && given.warnings == [])
    let command = try workspace.conversion(["-c", "--force", "--report", "json"], from: "-")
    let redirected = try Command.shell(
      "exec \"$@\" <'\(input.string)'", [command.program] + command.arguments
    ).run().expectingExit(0)
    #expect(try Report(json: redirected.standardOutput).clusterSizeChoice != nil)
  }

  @Test("Plain images and versions keep 4 KiB unless another size, or auto, is asked for")
  func plainAndVersionsKeepSmallClusters() throws {
    try makeSingleDisk()
    for options in [[], ["-c", "--name", "first"]] {
      let usual = try workspace.convert(options + ["--force"])
      #expect(usual.output.clusterSize == 4096 && usual.clusterSizeChoice == nil, "\(options)")
      #expect(usual.warnings.allSatisfy { !$0.contains("pipe") })
      let chosen = try workspace.convert(options + ["--force", "--cluster-size", "auto"])
      #expect(chosen.output.clusterSize > 4096 && chosen.clusterSizeChoice != nil, "\(options)")
    }
  }

  @Test("The report says what was chosen, why and what it took, and keeps to its schema")
  func reportSaysWhatWasChosen() throws {
    try makeSingleDisk()
    let file = workspace.folder.file("report.json")
    let text = try workspace.run(["-c", "--report-file", file.string]).expectingExit(0).output
    let line = try #require(text.split(separator: "\n").first { $0.contains("chosen") })
    for word in ["KiB clusters", "as predicted", "took ", " s ", "of reading"] {
      #expect(line.contains(word), "\(word): \(line)")
    }
    try expectValid(file, schema: "ReportSchema.json")
    let help = try Command.qdedup(["convert", "--help"]).run().expectingExit(0).output
    #expect(help.contains("auto with -c"))
  }

  @Test("A disk of nothing but zeros is converted all the same", arguments: [512, 4096 * 3])
  func disksOfZeros(size: Int64) throws {
    try RawImage.sparse(at: input, size: size)
    let report = try workspace.convert(["-c", "--force"])
    #expect(report.clusterSizeChoice != nil)
    #expect(try QemuImage(output).check().exitCode == 0)
    #expect(try QemuImage(output).compare(withRaw: input).exitCode == 0)
  }
}
