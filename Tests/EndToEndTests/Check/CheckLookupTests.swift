import SystemPackage
import TestSupport
import Testing

/// `qdedup check --data` looks up every entry of a hash store that may be trusted, and no other store
/// keeps an image from being read.
@Suite struct CheckLookupTests {
  /// What someone may do to a store.
  enum Damage: String, CaseIterable {
    case writtenTo, featureBit, dirty, version, checksum, cut, trailer, filter, table
  }

  let workspace: Workspace
  var output: FilePath { workspace.output }

  init() throws {
    workspace = try Workspace()
    try RawImage.write(
      RawImage.mixture(clusters: 2400, size: 4096, kinds: 20, seed: 441), to: workspace.input)
  }

  @Test(
    "Every entry is looked up",
    arguments: [
      [], ["-c", "--cluster-size", "4K"],
      ["-c", "--cluster-size", "4K", "--compression-type", "zstd"],
    ],
    [
      [], ["--log-store-order", "6"], ["--log-store-order", "6", "--max-incarnations", "2"],
      // The list of a hundred incarnations does not fit the first cluster.
      [
        "--log-store-order", "4", "--max-incarnations", "0", "--cluster-size", "512",
        "--hash-store",
      ],
    ])
  func everyEntryIsLookedUp(compression: [String], store: [String]) throws {
    let report = try workspace.convert(compression + store)
    #expect((report.hashStore.limbo > 0) == store.contains("2"))
    let outcome = try CheckOutcome.ours(output, ["--data"])
    let found = try #require(outcome.report?.hashStore)
    #expect(outcome.exitCode == 0 && found.state == "valid", "\(outcome)")
    #expect(found.lookups == found.entries && found.entries > 200)
    #expect(outcome.report?.notes == [])
    let check = ["check", output.string]
    #expect(try CheckOutcome.ours(output).report?.hashStore?.lookups == nil)
    let text = try Command.qdedup(check + ["--data"]).run().expectingExit(0).output
    #expect(text.contains("compared with data, ") && text.hasSuffix(" lookups made\n"), "\(text)")
    #expect(try Command.qdedup(check).run().expectingExit(0).output.contains("lookup") == false)
    let again = try Command.qdedup(check + ["--data"]).run().output
    #expect(again == text)
  }

  @Test(
    "A store that is stale or damaged is reported, and the image is read",
    arguments: Damage.allCases, [[], ["-c", "--cluster-size", "4K"]])
  func storeThatIsStaleOrDamagedIsReported(
    damage: Damage, compression: [String]
  ) throws {
    try workspace.convert(["--log-store-order", "6", "--max-incarnations", "0"] + compression)
    try inflict(damage)
    let outcome = try CheckOutcome.ours(output, ["--data"])
    let store = try #require(outcome.report?.hashStore)
    let isStale = [.writtenTo, .featureBit, .dirty].contains(damage)
    #expect(store.state == (isStale ? "stale" : "damaged"), "\(outcome)")
    #expect(outcome.exitCode == (isStale ? 0 : 2))
    #expect(store.problems.isEmpty == isStale)
    switch damage {
    case .filter:
      // The tag and the checksum; the entries that no lookup finds then are not named one by one.
      #expect(store.problemCount == 2, "\(store)")
      #expect(store.lookups == store.comparedClusters)
    case .table, .trailer:
      #expect(store.lookups == store.comparedClusters)
    default:
      #expect(store.lookups == nil)
    }
    // What a guest wrote is not in the input any more.
    let other = workspace.folder.file("again.qcow2")
    try workspace.run(from: output.string, to: other).expectingExit(0)
    let comparison = try QemuImage.run([
      "compare", "-f", "qcow2", "-F", "qcow2", output.string, other.string,
    ])
    #expect(comparison.exitCode == 0, "\(comparison)")
    if damage != .writtenTo {
      #expect(try QemuImage(other).compare(withRaw: workspace.input).exitCode == 0)
    }
  }

  @Test("A small file that claims hundreds of gigabytes of store is not read for hours")
  func smallFileThatClaimsHundredsOfGigabytesOfStore()
    throws
  {
    try workspace.convert()
    try ForgedStore(output).claim(order: 31)
    for options in [[], ["--data"]] {
      let outcome = try CheckOutcome.ours(output, options)
      #expect(outcome.exitCode == 1, "\(outcome)")
      let note = try #require(outcome.report?.notes.last)
      #expect(note.hasPrefix("the hash store was not checked: ") && note.contains("on the disk"))
    }
  }

  @Test("Filters that a small file claims take no more than 64 MiB", arguments: [20, 22])
  func filtersThatSmallFileClaimsTakeNoMoreThan64MiB(order: Int) throws {
    try workspace.convert()
    try ForgedStore(output).claim(order: order)
    var command = try Command.qdedup(["check", "--data", output.string])
    command.watchesMemory = true
    let result = try command.run().expectingExit(2)
    #expect(result.peakMemory <= 100 << 20, "\(result.peakMemory) bytes")
    let isNoted = result.output.contains(
      """
      note: the entries of the hash store were not looked up: its filters take \(64 << order) \
      bytes of memory, and for a file of this size on the disk at most \(64 << 20) are taken
      """)
    #expect(isNoted == (order > 20), "\(result)")
    let report = try #require(try CheckOutcome.ours(output, ["--data"]).report)
    #expect((report.hashStore?.lookups == nil) == (order > 20))
    #expect(report.notes.count == (order > 20 ? 1 : 0))
    let other = workspace.folder.file("again.qcow2")
    try workspace.run(from: output.string, to: other).expectingExit(0)
    #expect(try QemuImage(other).compare(withRaw: workspace.input).exitCode == 0)
  }

  private func inflict(_ damage: Damage) throws {
    let store = try ForgedStore(output)
    switch damage {
    case .writtenTo: try QemuImage(output).perform("write -P 7 8192 4096")
    case .featureBit: try flip(0x80, at: 88)
    case .dirty: try store.changeHeader([4: ForgedStore.bigEndian(UInt32(1))])
    case .version: try store.changeHeader([0: ForgedStore.bigEndian(UInt32(2))])
    case .checksum:
      try store.changeHeader([:])
      try flip(1, at: UInt64(try walkedExtension().offset) + 39)
    case .cut:
      let start = try store.moveYoungestToEnd()
      #expect(try CheckOutcome.ours(output, ["--data"]).exitCode == 0)
      try store.resize(to: Int64(start) + 4096 + 100)
    case .trailer: try flip(1, at: try youngest() + 4096 - 40)
    // The last byte of a tag that is used, and the middle of the entry's digest.
    case .filter: try flip(1, at: try youngest() + 2 * UInt64(try usedSlot()) + 1)
    case .table: try flip(1, at: try youngest() + 4096 + 32 * UInt64(try usedSlot()) + 3)
    }
  }

  private func walkedExtension() throws -> WalkedExtension {
    try #require(
      try QCOW2Walker(output).extensions.first { $0.type == WalkedExtension.hashStore })
  }

  private func walked() throws -> WalkedStore {
    var walker = try QCOW2Walker(output)
    try walker.walk()
    return try #require(try WalkedStore.of(walker))
  }

  private func youngest() throws -> UInt64 { try #require(try walked().incarnationOffsets.first) }

  private func usedSlot() throws -> Int {
    try #require(try walked().incarnations.first?.entries.first?.slot)
  }

  private func flip(_ bit: UInt8, at offset: UInt64) throws {
    var bytes = try RawImage.read(output)
    bytes[Int(offset)] ^= bit
    try RawImage.write(bytes, to: output)
  }
}
