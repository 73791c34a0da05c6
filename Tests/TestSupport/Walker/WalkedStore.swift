/// The hash store of an image, decoded from its bytes alone, with what is wrong in it.
///
/// Written from the description of the format and on purpose without any code of the program.
public struct WalkedStore: Sendable {
  /// The dump: the order of all tables.
  public private(set) var order = 0
  /// The largest number of incarnations that the header extension allows; 0 for no limit.
  public let maxIncarnations: UInt64
  /// Where the dump is; 0 if it is in the extension.
  public let dumpOffset: UInt64
  /// Where the incarnations are, the youngest first.
  public private(set) var incarnationOffsets: [UInt64] = []
  /// Where forgotten incarnations were, the newest first.
  public private(set) var limboOffsets: [UInt64] = []
  /// The incarnations, the youngest first.
  public private(set) var incarnations: [WalkedIncarnation] = []
  /// The numbers of the clusters of the file that the store takes, limbo and dump included.
  public private(set) var clusters: Set<UInt64> = []
  /// Everything that is wrong; nothing in a sound store.
  public private(set) var problems: [String] = []

  /// How many entries all incarnations hold together.
  public var entries: Int { incarnations.reduce(0) { $0 + $1.entries.count } }

  /// What one incarnation takes in an image of this cluster size, in bytes.
  public func bytesPerIncarnation(clusterSize: UInt64) -> UInt64 {
    let bytes = UInt64(StoreTableGeometry(order: order).bytes)
    return (bytes + clusterSize - 1) / clusterSize * clusterSize
  }

  /// Decodes the store of a walked image.
  ///
  /// - Parameter image: An image after `walk`.
  /// - Returns: The store, or nil where there is no valid one: its bit or its extension is not there.
  /// - Throws: `Errno` if the file cannot be read, `TestSupportError` if the extension has no sense.
  public static func of(_ image: QCOW2Walker) throws -> WalkedStore? {
    guard image.header.hashStoreIsValid,
      let found = image.extensions.first(where: { $0.type == WalkedExtension.hashStore })
    else { return nil }
    return try WalkedStore(found.data, of: image)
  }

  private init(_ data: [UInt8], of image: QCOW2Walker) throws {
    guard data.count >= 40 else {
      throw TestSupportError("the hash store's extension has \(data.count) bytes, 40 needed")
    }
    maxIncarnations = data.number(4, at: 12)
    dumpOffset = data.number(8, at: 16)
    let fixed = [data.number(4, at: 0), data.number(4, at: 4), data.number(4, at: 8)]
    if fixed != [1, 0, 3] { problems.append("version, flags, algorithm are \(fixed)") }
    if data.number(4, at: 28) != 0 { problems.append("bytes 28–31 are not zero") }
    let dump = try dumpBytes(data, of: image)
    if XXH3Reference.hash64(Array(data[..<32]) + dump) != data.number(8, at: 32) {
      problems.append("the checksum of the header extension is wrong")
    }
    try parse(dump)
    checkRegions(of: image)
    let places = Dictionary(uniqueKeysWithValues: image.mappings.map { ($0.guest, $0) })
    for offset in incarnationOffsets where offset < image.file.count {
      let decoded = try WalkedIncarnation(
        at: offset, geometry: StoreTableGeometry(order: order), of: image, places: places)
      problems += decoded.problems.map { "incarnation at \(offset): \($0)" }
      incarnations.append(decoded)
    }
    if zip(incarnations, incarnations.dropFirst()).contains(where: { $0.sequence <= $1.sequence }) {
      problems.append("the incarnations do not stand youngest first")
    }
  }

  /// The bytes of the dump, from the extension or from where it says.
  private mutating func dumpBytes(_ data: [UInt8], of image: QCOW2Walker) throws -> [UInt8] {
    let count = Int(data.number(4, at: 24))
    if dumpOffset == 0 {
      if data.count < 40 + count { throw TestSupportError("a dump of \(count) bytes is cut off") }
      return Array(data[40..<(40 + count)])
    }
    if dumpOffset % image.header.clusterSize != 0 { problems.append("the dump is not aligned") }
    if dumpOffset > image.file.count || UInt64(count) > image.file.count - dumpOffset {
      throw TestSupportError("the dump at byte \(dumpOffset) is past the end of the file")
    }
    return try image.file.read(count, at: dumpOffset)
  }

  /// Reads the lists of the dump.
  private mutating func parse(_ dump: [UInt8]) throws {
    guard dump.count >= 12 else { throw TestSupportError("a dump of \(dump.count) bytes") }
    order = Int(dump.number(4, at: 0))
    let count = Int(dump.number(4, at: 4))
    let limbo = Int(dump.number(4, at: 8))
    guard (1...31).contains(order), dump.count == 12 + 8 * (count + limbo) else {
      throw TestSupportError(
        "dump: order \(order), \(count) incarnations, \(limbo) in limbo, \(dump.count) bytes")
    }
    let offsets = (0..<(count + limbo)).map { dump.number(8, at: 12 + 8 * $0) }
    incarnationOffsets = Array(offsets[..<count])
    limboOffsets = Array(offsets[count...])
  }

  /// Checks that the store's clusters are aligned, apart and counted by nobody.
  private mutating func checkRegions(of image: QCOW2Walker) {
    let size = image.header.clusterSize
    let length = UInt64(StoreTableGeometry(order: order).bytes)
    var regions = (incarnationOffsets + limboOffsets).map { ($0, length) }
    if dumpOffset != 0 {
      regions.append((dumpOffset, UInt64(12 + 8 * regions.count)))
    }
    for (offset, length) in regions {
      guard offset < image.file.count else {
        problems.append("byte \(offset) is past the end of the file")
        continue
      }
      if offset % size != 0 { problems.append("byte \(offset) is not aligned") }
      for number in (offset / size)...((offset + length - 1) / size) {
        if !clusters.insert(number).inserted { problems.append("cluster \(number) is used twice") }
        guard number < image.refcounts.count else { continue }
        if image.refcounts[Int(number)] != 0 || image.references[Int(number)] != 0 {
          problems.append("cluster \(number) of the store is counted or referred to")
        }
      }
    }
  }
}
