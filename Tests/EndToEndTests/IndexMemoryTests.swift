import SystemPackage
import TestSupport
import Testing

/// Conversions whose hash store has a bound for its memory.
@Suite struct IndexMemoryTests {
  let workspace: Workspace
  var input: FilePath { workspace.input }
  var output: FilePath { workspace.output }

  init() throws { workspace = try Workspace() }

  /// 90,112 clusters of 512 bytes, the last 8,192 of which are the first ones again.
  private func makeInput() throws {
    let noise = RawImage.noise(count: 40 << 20, seed: 61)
    try RawImage.write(noise + noise[..<(4 << 20)], to: input)
  }

  @Test("Little memory is kept to, and what may be missed is said")
  func littleMemoryIsKept() throws {
    try makeInput()
    let options = ["--cluster-size", "512", "--hash-store", "--index-memory", "256K"]
    let report = try workspace.convert(options)
    try expectSound(output, equals: input)
    let store = report.hashStore
    #expect(store.indexMemory == 256 << 10)
    #expect(store.ramBytes <= 256 << 10)
    #expect(store.rememberedClusters == 46_080)
    #expect(report.clusters.unique == 90_112)
    #expect(store.mayMissClusters >= 90_112 - 97 * 512)
    #expect(store.mayMissClusters <= 90_112 - 46_080)
    #expect(store.mayMissBytes == store.mayMissClusters * 512)
    let text = try workspace.run(options + ["--force"]).expectingExit(0).output
    #expect(text.contains("index memory"))
    #expect(text.contains("of 256 KiB; remembers 22.5 MiB, 46,080 clusters"))
    #expect(text.contains("duplicates of them may be missed"))
  }

  @Test("Enough memory finds every duplicate", arguments: ["1M", "64m", "1G", "1048576"])
  func enoughMemoryFindsEveryDuplicate(size: String) throws {
    try makeInput()
    let report = try workspace.convert([
      "--cluster-size", "512", "--hash-store", "--index-memory", size,
    ])
    try expectSound(output, equals: input)
    let store = report.hashStore
    #expect(report.clusters.duplicate == 8192)
    #expect(store.mayMissClusters == 0)
    #expect(store.rememberedClusters ?? 0 >= 90_112)
    #expect(store.ramBytes <= store.indexMemory ?? 0)
    let text = try workspace.run(["--index-memory", size, "--force"]).expectingExit(0).output
    #expect(text.contains("may be missed") == false)
  }

  @Test("A pipe, whose size is unknown, keeps to it too")
  func pipeWhoseSizeIsUnknownKeepsToItToo() throws {
    try makeInput()
    let report = try workspace.convert(
      ["--index-memory", "2M"], from: "-", reading: .pipe(contentsOf: input))
    try expectSound(output, equals: input)
    #expect(report.hashStore.ramBytes <= 2 << 20)
    #expect(report.clusters.duplicate == 1024)
  }

  @Test(
    "What a file system says of holes makes no difference to the bytes",
    arguments: ["256K", "1M", "64M"])
  func whatFileSystemSaysOfHolesMakesNoDifference(size: String) throws {
    try RawImage.sparse(
      at: input, size: 64 << 20, islands: [5 << 20: RawImage.noise(count: 9 << 20, seed: 62)])
    let options = ["--cluster-size", "512", "--hash-store", "--index-memory", size]
    let report = try workspace.convert(options)
    #expect(report.hashStore.ramBytes <= report.hashStore.indexMemory ?? 0)
    let dense = workspace.folder.file("dense.img")
    try Command("cp", ["--sparse=never", input.string, dense.string]).run().expectingExit(0)
    let fromDense = workspace.folder.file("dense.qcow2")
    try workspace.convert(options, from: dense.string, to: fromDense)
    #expect(try RawImage.read(fromDense) == RawImage.read(output))
  }

  @Test("A store that was planned for a full disk is laid out again for what came")
  func storeThatWasPlannedForFullDiskIsLaidOutAnew() throws {
    try RawImage.sparse(
      at: input, size: 4 << 30, islands: [1 << 30: RawImage.noise(count: 1 << 20, seed: 63)])
    let report = try workspace.convert(["--index-memory", "64M"])
    try expectSound(output, equals: input)
    #expect(report.hashStore.order == 7)
    #expect(report.hashStore.rememberedClusters ?? 0 >= 1 << 20)
    #expect((1 << 20)...(64 << 20) ~= report.hashStore.ramBytes)
  }

  @Test("Order and limit count where they are given")
  func orderAndLimitCountWhereTheyAreGiven() throws {
    try makeInput()
    let report = try workspace.convert([
      "--index-memory", "1M", "--log-store-order", "5", "--max-incarnations", "3",
    ])
    try expectSound(output, equals: input)
    #expect(report.hashStore.order == 5)
    #expect(report.hashStore.maxIncarnations == 3)
    #expect(report.hashStore.rememberedClusters == 3 * 64)
    #expect(!report.warnings.contains { $0.contains("--index-memory") })
    #expect(report.hashStore.mayMissClusters > 0)
  }

  @Test(
    "What takes more memory than was asked for is done, and said",
    arguments: [["--log-store-order", "14"], ["--max-incarnations", "0"]])
  func whatTakesMoreMemoryThanWasAskedForIsDone(option: [String]) throws {
    try makeInput()
    let options = ["--cluster-size", "512", "--hash-store", "--index-memory", "256K"] + option
    let report = try workspace.convert(options)
    try expectSound(output, equals: input)
    let (took, file) = (report.hashStore.ramBytes, workspace.folder.file("report.json").string)
    #expect(took > 256 << 10)
    let warning = try #require(report.warnings.first { $0.contains("--index-memory") })
    #expect(warning.hasPrefix("the hash store took ") && warning.contains(" than the 256 KiB of "))
    #expect(warning.hasSuffix("leave out \(option.joined(separator: " "))"))
    let text = try workspace.run(options + ["--force", "--report-file", file]).expectingExit(0)
    #expect(text.output.contains("\nnote: \(warning)"), "\(text)")
    try expectValid(workspace.folder.file("report.json"), schema: "ReportSchema.json")
  }

  @Test("The same bytes for any number of threads, and a report that keeps to its schema")
  func sameBytesForAnyNumberOfThreads()
    throws
  {
    try makeInput()
    let report = workspace.folder.file("report.json")
    let options = ["--index-memory", "300K", "--report-file", report.string]
    try workspace.convert(options + ["--threads", "1"])
    let first = try RawImage.read(output)
    try workspace.convert(options + ["--threads", "5", "--force"])
    #expect(try RawImage.read(output) == first)
    try expectValid(report, schema: "ReportSchema.json")
  }
}
