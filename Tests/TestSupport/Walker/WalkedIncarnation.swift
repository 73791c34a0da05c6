/// One incarnation of the hash store, decoded from its bytes, with what is wrong in it.
public struct WalkedIncarnation: Sendable {
  /// One used slot of its table.
  public struct Entry: Equatable, Sendable {
    /// The number of the slot.
    public let slot: Int
    /// The digest of the cluster.
    public let digest: [UInt8]
    /// The L2 entry of the cluster, without flags: its place in the file in bytes, or, if the
    /// number in the slot has bit 63, the descriptor of its compressed data.
    public let place: UInt64
    /// The offset on the disk of the first cluster with this content, in bytes.
    public let guest: UInt64
  }

  /// The number of the freeze that made it.
  public let sequence: UInt64
  /// Its used slots.
  public private(set) var entries: [Entry] = []
  /// Everything that is wrong; nothing in a sound incarnation.
  public private(set) var problems: [String] = []

  /// Decodes the incarnation at `offset` and checks each entry against the image.
  ///
  /// `places` has what each guest cluster that has a place is mapped to.
  init(
    at offset: UInt64, geometry: StoreTableGeometry, of image: QCOW2Walker,
    places: [UInt64: QCOW2Walker.Mapping]
  ) throws {
    let filter = try image.file.read(geometry.filterBytes, at: offset)
    let table = try image.file.read(
      geometry.tableBytes, at: offset + UInt64(geometry.filterBytes))
    let trailer = Array(filter.suffix(64))
    sequence = trailer.number(8, at: 16)
    checkTrailer(trailer, filter: filter, table: table, geometry: geometry)
    for slot in 0..<geometry.entries {
      let tag = filter.number(geometry.tagBytes, at: slot * geometry.tagBytes)
      // Slot / 128 store clusters of 4096 bytes, 32 bytes a slot: nothing lies between them.
      let start = slot * 32
      guard table.number(8, at: start + 16) != 0 else {
        if tag != 0 || table[start..<(start + 32)].contains(where: { $0 != 0 }) {
          problems.append("unused slot \(slot) is not all zero")
        }
        continue
      }
      let entry = Entry(
        slot: slot, digest: Array(table[start..<(start + 16)]),
        place: Self.place(table.number(8, at: start + 16)),
        guest: Self.bytes(ofSector: table.number(8, at: start + 24)))
      entries.append(entry)
      try check(entry, tag: tag, geometry: geometry, image: image, places: places)
    }
    if UInt64(entries.count) != trailer.number(8, at: 24) {
      problems.append("\(entries.count) used slots, \(trailer.number(8, at: 24)) in the trailer")
    }
  }

  /// The L2 entry that a number of a slot stands for: bit 63 makes it a descriptor, for bit 62.
  private static func place(_ number: UInt64) -> UInt64 {
    guard number >> 63 == 1 else { return bytes(ofSector: number) }
    return number >> 62 == 2 ? number ^ 0xc000_0000_0000_0000 : .max
  }

  /// The offset of a sector of 512 bytes; the largest number if there can be no such sector.
  private static func bytes(ofSector sector: UInt64) -> UInt64 {
    sector >> 55 == 0 ? sector * 512 : .max
  }

  /// Checks the last 64 bytes of the filter.
  private mutating func checkTrailer(
    _ trailer: [UInt8], filter: [UInt8], table: [UInt8], geometry: StoreTableGeometry
  ) {
    if Array(trailer[..<8]) != Array("QDINCARN".utf8) { problems.append("no trailer magic") }
    if trailer.number(4, at: 8) != 1 { problems.append("version \(trailer.number(4, at: 8))") }
    if trailer.number(4, at: 12) != UInt64(geometry.order) { problems.append("another order") }
    let tags = Array(filter[..<(geometry.entries * geometry.tagBytes)])
    if trailer.number(8, at: 32) != XXH3Reference.hash64(tags) {
      problems.append("wrong checksum of the tags")
    }
    if trailer.number(8, at: 40) != XXH3Reference.hash64(table) {
      problems.append("wrong checksum of the table")
    }
    if trailer.number(8, at: 48) != 0 { problems.append("bytes 48–55 of the trailer are not zero") }
    if trailer.number(8, at: 56) != XXH3Reference.hash64(Array(trailer[..<56])) {
      problems.append("wrong checksum of the trailer")
    }
    if filter[tags.count..<(filter.count - 64)].contains(where: { $0 != 0 }) {
      problems.append("there is something between the tags and the trailer")
    }
  }

  /// Checks that an entry is in one of its buckets, has its tag and names its cluster.
  private mutating func check(
    _ entry: Entry, tag: UInt64, geometry: StoreTableGeometry, image: QCOW2Walker,
    places: [UInt64: QCOW2Walker.Mapping]
  ) throws {
    let first = entry.digest.number(8, at: 0) & geometry.mask
    let second = entry.digest.number(8, at: 8) & geometry.mask
    let bucket = UInt64(entry.slot / 4)
    if !(bucket == first && tag == second) && !(bucket == second && tag == first) {
      problems.append("slot \(entry.slot), tag \(tag): its buckets are \(first) and \(second)")
    }
    let mapping = places[entry.guest / image.header.clusterSize]
    guard entry.guest % image.header.clusterSize == 0, let mapping, mapping.entry == entry.place
    else {
      problems.append(
        "slot \(entry.slot): guest byte \(entry.guest) is not mapped to \(entry.place)")
      return
    }
    if XXH3Reference.hash128(try image.content(of: mapping)) != entry.digest {
      problems.append("slot \(entry.slot): not the digest of the cluster at \(mapping.host)")
    }
  }
}
