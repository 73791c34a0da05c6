import SystemPackage
import TestSupport
import Testing

/// The hash store that a conversion leaves in the file.
@Suite struct HashStoreTests {
  let workspace: Workspace
  var input: FilePath { workspace.input }
  var output: FilePath { workspace.output }

  init() throws { workspace = try Workspace() }

  private func makeInput() throws {
    let noise = RawImage.noise(count: 32 << 20, seed: 51)
    try RawImage.write(noise + noise[..<(4 << 20)], to: input)
  }

  @Test("S17 S18 S19: beyond the limit the oldest is forgotten, its space reused")
  func beyondLimitOldestIsForgotten() throws {
    try makeInput()
    let report = try workspace.convert(["--log-store-order", "8", "--max-incarnations", "4"])
    let walker = try expectSound(output, equals: input)
    #expect(report.hashStore.order == 8)
    #expect(report.hashStore.maxIncarnations == 4)
    #expect(report.hashStore.incarnations == 4)
    #expect(report.hashStore.forgotten > 0)
    #expect(report.hashStore.limboReuses > 0)
    #expect(report.hashStore.freezes == report.hashStore.forgotten + 4)
    #expect(report.clusters.unique >= 8192)
    #expect(report.clusters.unique <= 9216)
    let store = try #require(try WalkedStore.of(walker))
    #expect(store.incarnations.count == 4)
    #expect(store.maxIncarnations == 4)
    #expect(store.limboOffsets.count == Int(report.hashStore.limbo))
    #expect(store.incarnations.first?.sequence ?? 0 > 4)
  }

  @Test("S18: one incarnation of a tiny order is enough for a sound image")
  func oneIncarnationOfTinyOrderIsEnoughForSoundImage() throws {
    let mixture = RawImage.mixture(clusters: 3000, size: 4096, kinds: 3, seed: 52)
    try RawImage.write(mixture, to: input)
    let report = try workspace.convert(["--log-store-order", "2", "--max-incarnations", "1"])
    try expectSound(output, equals: input)
    #expect(report.hashStore.incarnations == 1)
    #expect(report.hashStore.forgotten > 0)
  }

  @Test(
    "S17 S30: without a limit a dump that the first cluster cannot hold lies elsewhere",
    arguments: ["512", "4K", "64K"])
  func withoutLimitDumpThatFirstClusterCannotHoldLies(
    size: String
  ) throws {
    let noise = RawImage.noise(count: size == "512" ? 4 << 20 : 48 << 20, seed: 53)
    try RawImage.write(noise, to: input)
    let report = try workspace.convert([
      "--cluster-size", size, "--hash-store", "--log-store-order", size == "64K" ? "1" : "2",
      "--max-incarnations", "0",
    ])
    let walker = try expectSound(output, equals: input)
    let store = try #require(try WalkedStore.of(walker))
    #expect(report.hashStore.forgotten == 0)
    #expect(report.hashStore.maxIncarnations == 0)
    // Tables of four to sixteen slots have none for some entries long before they are full (S7).
    #expect(UInt64(store.entries) + report.hashStore.entriesLeftOut == report.clusters.unique)
    #expect((store.dumpOffset != 0) == (size != "64K"))
  }

  @Test(
    "S17 S20 S30: a dump elsewhere has limbo too, and every entry that is known",
    arguments: [0, 300, 3000])
  func dumpElsewhereHasLimboToo(
    limit: Int
  ) throws {
    let noise = RawImage.noise(count: 3 << 20, seed: 55)
    try RawImage.write(noise + noise[(2 << 20)...] + noise[..<(64 << 10)], to: input)
    let report = try workspace.convert([
      "--cluster-size", "512", "--hash-store", "--log-store-order", "1", "--max-incarnations",
      "\(limit)",
    ])
    let walker = try expectSound(output, equals: input)
    let store = try #require(try WalkedStore.of(walker))
    #expect(store.dumpOffset != 0)
    #expect(store.incarnations.count == Int(report.hashStore.incarnations))
    #expect(store.limboOffsets.count == Int(report.hashStore.limbo))
    #expect((report.hashStore.forgotten > 0) == (limit == 300))
    #expect((report.hashStore.mayMissClusters > 0) == (limit == 300))
    // Each entry that was left out, as tiny tables do (S7), may miss a duplicate; nothing else does.
    let leftOut = report.hashStore.entriesLeftOut
    #expect((report.clusters.unique <= 6144 + leftOut) == (limit != 300))
    if limit != 300 { #expect(UInt64(store.entries) + leftOut == report.clusters.unique) }
    #expect(report.hashStore.rememberedClusters == (limit == 0 ? nil : UInt64(limit) * 4))
  }

  @Test("The smallest clusters get no store unless it is asked for or there are versions")
  func smallestClustersGetNoStore() throws {
    try RawImage.write(RawImage.noise(count: 1 << 20, seed: 56), to: input)
    for (size, options, expected) in [
      ("512", [], false), ("1K", [], false), ("2K", [], true), ("1K", ["--hash-store"], true),
      ("512", ["--name", "v1"], true), ("4K", ["--no-hash-store"], false),
    ] as [(String, [String], Bool)] {
      let report = try workspace.convert(["--force", "--cluster-size", size] + options)
      try QemuImage(output).check().expectingExit(0)
      try QemuImage.run(["compare", input.string, output.string]).expectingExit(0)
      let store = try ImageDescription(of: output).hashStore
      #expect((store != nil) == expected, "\(size) \(options)")
      #expect(report.hashStore.present == expected)
    }
  }

  @Test("A dense disk becomes no larger than readers expect of its size, or the report says so")
  func denseDisk() throws {
    try RawImage.write(RawImage.noise(count: 40 << 20, seed: 54), to: input)
    for (options, isWarned) in [
      (["--cluster-size", "512"], false), (["--cluster-size", "1K"], false),
      (["--cluster-size", "4K"], false), (["--cluster-size", "1K", "--hash-store"], true),
      (["--cluster-size", "512", "--hash-store", "--name", "v1"], false),
    ] {
      let report = try workspace.convert(["--force"] + options)
      #expect(report.warnings.contains { $0.contains("crosvm") } == isWarned, "\(options)")
    }
  }

  @Test("--no-hash-store leaves no trace of a store and shares all the same")
  func noHashStoreLeavesNoTraceOfStoreAndSharesAllSame() throws {
    try makeInput()
    let report = try workspace.convert(["--no-hash-store", "--log-store-order", "8"])
    let walker = try expectSound(output, equals: input)
    #expect(walker.hasExtension(WalkedExtension.hashStore) == false)
    #expect(walker.header.hashStoreIsValid == false)
    #expect(report.hashStore.present == false)
    #expect(report.clusters.unique == 8192)
    #expect(report.clusters.duplicate == 1024)
    #expect(walker.refcounts.allSatisfy { $0 > 0 })
    #expect(try workspace.outputNames() == ["out.qcow2"])
  }

  @Test("S10: what the log store holds at the end is frozen too")
  func logStoreContentHeldAtEndIsFrozenToo() throws {
    try RawImage.write(RawImage.noise(count: 10 * 4096, seed: 54), to: input)
    let report = try workspace.convert()
    let walker = try expectSound(output, equals: input)
    let store = try #require(try WalkedStore.of(walker))
    #expect(store.incarnations.count == 1)
    #expect(store.entries == 10)
    #expect(report.hashStore.freezes == 1)
  }

  @Test("The store is named in the header and its bit alone is set")
  func storeIsNamedInHeaderAndItsBitAloneIsSet() throws {
    try makeInput()
    try workspace.convert()
    let walker = try expectSound(output, equals: input)
    #expect(walker.header.autoclear == 1 << 63)
    #expect(walker.header.incompatible == 0)
    #expect(walker.hasExtension(WalkedExtension.hashStore))
  }

  @Test("Repairing leaks finds nothing to repair and the store stays")
  func repairingLeaksFindsNothingToRepairAndStoreStays() throws {
    try makeInput()
    try workspace.convert(["--log-store-order", "9"])
    let leaks = try QemuImage(output).checkCounts()
    #expect(leaks.leaks ?? 0 == 0)
    #expect(leaks.corruptions ?? 0 == 0)
    try QemuImage(output).check(repair: "leaks").expectingExit(0)
    #expect(try QemuImage(output).compare(withRaw: input).exitCode == 0)
  }
}
