import SystemPackage
import TestSupport
import Testing

/// The same input and options give the same compressed bytes, and small stores do no harm.
@Suite struct CompressedBytesTests {
  let workspace: Workspace
  var input: FilePath { workspace.input }
  var output: FilePath { workspace.output }

  init() throws {
    workspace = try Workspace()
    let mixture = RawImage.mixtureWithTexts(clusters: 1200, size: 4096, seed: 42)
    let noise = RawImage.noise(count: 1 << 20, seed: 41)
    try RawImage.write(mixture + noise + mixture + [1, 2, 3], to: workspace.input)
  }

  @Test(
    "Any number of threads gives the same bytes, and a pipe as many",
    arguments: CompressedImage.types,
    [[], ["--log-store-order", "7", "--max-incarnations", "3"], ["--cluster-size", "64K"]])
  func anyNumberOfThreadsAndPipeGiveSameBytes(
    type: String, others: [String]
  ) throws {
    let options = CompressedImage.options(type) + others
    try workspace.convert(options + ["--threads", "1"])
    try expectCompressed(output, equals: input, with: type)
    let expected = try RawImage.read(output)
    let again = workspace.folder.file("again.qcow2")
    for threads in ["2", "7", "7"] {
      try workspace.convert(options + ["--threads", threads, "--force"], to: again)
      #expect(try RawImage.read(again) == expected, "\(threads) threads")
    }
    try workspace.convert(
      options + ["--force"], from: "-", to: again, reading: .pipe(contentsOf: input))
    try expectCompressed(again, equals: input, with: type)
    // Its size is not known from the start, so its L1 table is at the end.
    #expect(try RawImage.read(again).count == expected.count, "from a pipe")
  }

  @Test(
    "A store that forgets leaves a sound image", arguments: CompressedImage.types,
    [["2", "1"], ["4", "3"], ["6", "2"], ["2", "0"]])
  func storeThatForgetsLeavesSoundImage(type: String, store: [String]) throws {
    let options = ["--log-store-order", store[0], "--max-incarnations", store[1], "--verify"]
    let report = try workspace.convert(CompressedImage.options(type) + options)
    let walker = try expectCompressed(output, equals: input, with: type)
    let read = try #require(try WalkedStore.of(walker))
    #expect(read.entries > 0)
    #expect((report.hashStore.forgotten > 0) == (store[1] != "0"))
    if store[1] == "0" {
      let known = UInt64(read.entries) + report.hashStore.entriesLeftOut
      #expect(known == report.clusters.unique)
    }
    #expect(report.hashStore.collisions == 0)
  }

  @Test(
    "--no-hash-store leaves no trace of a store and shares all the same",
    arguments: CompressedImage.types)
  func noHashStoreLeavesNoTraceOfStoreAndSharesAllSame(type: String) throws {
    let kept = try workspace.convert(
      CompressedImage.options(type), to: workspace.folder.file("kept.qcow2"))
    let report = try workspace.convert(CompressedImage.options(type, "--no-hash-store"))
    let walker = try expectCompressed(output, equals: input, with: type)
    #expect(walker.hasExtension(WalkedExtension.hashStore) == false)
    #expect(walker.header.hashStoreIsValid == false)
    #expect(walker.refcounts.allSatisfy { $0 > 0 })
    #expect(report.clusters.unique == kept.clusters.unique)
  }

  @Test(
    "The output reads back as the input", arguments: CompressedImage.types,
    ["512", "4K", "64K", "2M"])
  func outputReadsBackAsInput(type: String, size: String) throws {
    let options = CompressedImage.options(type, "--verify", "--cluster-size", size)
    #expect(try workspace.convert(options).verified)
    try expectCompressed(output, equals: input, with: type)
  }
}
