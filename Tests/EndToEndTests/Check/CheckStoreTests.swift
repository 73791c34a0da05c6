import SystemPackage
import TestSupport
import Testing

/// What `qdedup check` sees in a hash store.
@Suite struct CheckStoreTests {
  let workspace: Workspace
  var output: FilePath { workspace.output }

  init() throws {
    workspace = try Workspace()
    try RawImage.write(RawImage.noise(count: 400 * 4096, seed: 431), to: workspace.input)
  }

  @Test(
    "A flipped bit is seen", arguments: StoreArea.allCases,
    [[], ["-c"], ["-c", "--compression-type", "zstd"]])
  func flippedBitIsSeen(area: StoreArea, compression: [String]) throws {
    // Clusters of 512 bytes: the lists of 50 incarnations do not fit beside the header.
    try workspace.convert(
      ["--cluster-size", "512", "--hash-store", "--log-store-order", "4"] + compression)
    #expect(try CheckOutcome.ours(output, ["--data"]).exitCode == 0)
    let (walker, store) = try walked()
    let places = area.ranges(in: store, of: walker, dataBytes: 256)
    var random = SplitMix64(seed: 432)
    for _ in 0..<2 {
      let place = places.randomElement(using: &random)!.randomElement(using: &random)!
      let bit = UInt8(1) << UInt8.random(in: 0..<8, using: &random)
      try flip(bit, at: place)
      let outcome = try CheckOutcome.ours(output, ["--data"])
      #expect(outcome.exitCode == 2, "bit \(bit) of byte \(place): \(outcome)")
      #expect(outcome.report?.hashStore?.state == "damaged")
      #expect(outcome.report?.hashStore?.problems.isEmpty == false)
      #expect(try QemuImage(output).check().exitCode == 0)
      if area == .data, compression.isEmpty { #expect(try CheckOutcome.ours(output).exitCode == 0) }
      try flip(bit, at: place)
    }
    #expect(try CheckOutcome.ours(output, ["--data"]).exitCode == 0)
  }

  @Test("Every damaged incarnation is named, also among many")
  func everyDamagedIncarnationIsNamed() throws {
    try workspace.convert(["--log-store-order", "2"])
    let offsets = try walked().store.incarnationOffsets
    for offset in offsets { try flip(1, at: offset + 4096 - 10) }
    let store = try #require(try CheckOutcome.ours(output).report?.hashStore)
    try expectValidReport()
    #expect(store.problemCount == offsets.count && offsets.count > 20)
    for offset in offsets {
      #expect(store.problems.contains { $0.contains("incarnation at byte \(offset)") })
    }
  }

  @Test("A stale store is reported and is no error")
  func staleStoreIsToldAndIsNoError() throws {
    try workspace.convert()
    try expectValidReport()
    try QemuImage(output).perform("write -P 7 0 4096")
    let outcome = try CheckOutcome.ours(output, ["--data"])
    #expect(outcome.exitCode == 0, "\(outcome)")
    let store = try #require(outcome.report?.hashStore)
    #expect(store.state == "stale" && store.reason?.contains("written to") == true)
    try expectValidReport()
    let text = try Command.qdedup(["check", output.string]).run().expectingExit(0).output
    #expect(text.contains("hash store: stale, not to be used: the image was written to"))
  }

  @Test("A store without its bit or without its extension is reported as such")
  func storeWithoutItsBitOrWithoutItsExtension() throws {
    try workspace.convert()
    // Autoclear bit 63 is the highest bit of byte 88; the extension's type is its first four bytes.
    try flip(0x80, at: 88)
    #expect(try CheckOutcome.ours(output).report?.hashStore?.state == "stale")
    try flip(0x80, at: 88)
    let (walker, _) = try walked()
    let found = try #require(walker.extensions.first { $0.type == WalkedExtension.hashStore })
    try flip(1, at: UInt64(found.offset) - 8)
    let outcome = try CheckOutcome.ours(output)
    #expect(outcome.exitCode == 2 && outcome.report?.hashStore?.state == "damaged")
  }

  @Test("A store on a cluster that is used is seen")
  func storeOnClusterThatIsUsedIsSeen() throws {
    try workspace.convert(["--log-store-order", "8"])
    let (walker, store) = try walked()
    let incarnation = try #require(store.incarnationOffsets.first)
    // The last guest cluster is let stand on the incarnation: a refcount and a reference more.
    var bytes = try RawImage.read(output)
    let l1 = Int(try number(8, at: 40, in: bytes))
    let table = Int(try number(8, at: l1, in: bytes) & (1 << 56 - 1))
    put(incarnation | 1 << 63, at: table + 399 * 8, in: &bytes)
    let last = try #require(walker.mappings.last).host
    let blocks = Int(try number(8, at: Int(try number(8, at: 48, in: bytes)), in: bytes))
    for (host, count) in [(incarnation, UInt8(1)), (last, 0)] {
      bytes[blocks + Int(host / 4096) * 2 + 1] = count
    }
    try RawImage.write(bytes, to: output)
    let outcome = try expectAgreement(on: output)
    #expect(outcome.exitCode == 2)
    let problems = try #require(outcome.report?.hashStore?.problems)
    #expect(problems.contains { $0.contains("at byte \(incarnation) overlaps a cluster") })
  }

  /// Expects the report to keep to its schema.
  private func expectValidReport() throws {
    let report = workspace.folder.file("check.json")
    let result = try Command.qdedup(["check", "--json", "--data", output.string]).run()
    try RawImage.write(result.standardOutput, to: report)
    try expectValid(report, schema: "CheckSchema.json")
  }

  private func walked() throws -> (walker: QCOW2Walker, store: WalkedStore) {
    var walker = try QCOW2Walker(output)
    try walker.walk()
    return (walker, try #require(try WalkedStore.of(walker)))
  }

  private func number(_ width: Int, at offset: Int, in bytes: [UInt8]) throws -> UInt64 {
    bytes[offset..<offset + width].reduce(0) { $0 << 8 | UInt64($1) }
  }

  private func put(_ number: UInt64, at offset: Int, in bytes: inout [UInt8]) {
    for index in 0..<8 { bytes[offset + index] = UInt8(number >> UInt64(56 - 8 * index) & 255) }
  }

  private func flip(_ bit: UInt8, at offset: UInt64) throws {
    var bytes = try RawImage.read(output)
    bytes[Int(offset)] ^= bit
    try RawImage.write(bytes, to: output)
  }
}
