import DedupStore
import Testing

/// An incarnation read from bytes by plain arithmetic, without the code that wrote it.
struct DecodedIncarnation {
  /// The used slots.
  private(set) var entries: [Int: StoreEntry] = [:]
  /// The tags of all slots.
  private(set) var tags: [UInt64] = []
  let trailer: IncarnationTrailer
  /// The bytes of both areas.
  let filterArea: ArraySlice<UInt8>
  let tableArea: ArraySlice<UInt8>

  init(_ bytes: [UInt8], order: Int, offset: StorageOffset) throws {
    let slots = 4 << order
    let tagBytes = order < 16 ? 2 : 4
    let filterBytes = (slots * tagBytes / 4096 + 1) * 4096
    let tableBytes = (slots / 128 + 1) * 4096
    let start = Int(offset.bytes)
    filterArea = bytes[start..<start + filterBytes]
    tableArea = bytes[start + filterBytes..<start + filterBytes + tableBytes]
    trailer = try IncarnationTrailer(parsing: Array(filterArea.suffix(64)))
    for slot in 0..<slots {
      let tag = Self.number(filterArea, at: slot * tagBytes, byteCount: tagBytes)
      tags.append(tag)
      let entry = StoreEntry(
        digest: Digest(
          high: Self.number(tableArea, at: slot * 32, byteCount: 8),
          low: Self.number(tableArea, at: slot * 32 + 8, byteCount: 8)),
        physicalSector: Self.number(tableArea, at: slot * 32 + 16, byteCount: 8),
        firstLogicalSector: Self.number(tableArea, at: slot * 32 + 24, byteCount: 8))
      if entry.physicalSector != 0 { entries[slot] = entry }
    }
  }

  private static func number(_ area: ArraySlice<UInt8>, at offset: Int, byteCount: Int) -> UInt64 {
    area[(area.startIndex + offset)...].prefix(byteCount).reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// Checks everything that must hold within an incarnation.
  func check(order: Int) {
    let mask: UInt64 = (1 << UInt64(order)) - 1
    let tagsBytes = tags.count * (order < 16 ? 2 : 4)
    for (slot, tag) in tags.enumerated() {
      guard let entry = entries[slot] else {
        if tag != 0 { Issue.record("slot \(slot) is free and has tag \(tag)") }
        continue
      }
      let (h1, h2) = (entry.digest.high & mask, entry.digest.low & mask)
      let expected = UInt64(slot / 4) == h1 ? h2 : h1
      let isInPlace = UInt64(slot / 4) == h1 || UInt64(slot / 4) == h2
      if !isInPlace || tag != expected { Issue.record("slot \(slot) has tag \(tag)") }
    }
    #expect(filterArea.dropFirst(tagsBytes).dropLast(64).allSatisfy { $0 == 0 })
    #expect(tableArea.dropFirst(tags.count * 32).allSatisfy { $0 == 0 })
    #expect(trailer.order == UInt32(order))
    #expect(trailer.usedEntries == UInt64(entries.count))
    #expect(trailer.filterChecksum == Self.checksum(filterArea.prefix(tagsBytes)))
    #expect(trailer.tableChecksum == Self.checksum(tableArea))
  }

  static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.withUnsafeBytes { XXH3Stream.hash($0) }
  }
}
