internal import DiskIO
package import DiskImage

/// Reads the table of internal snapshots, entry by entry.
///
/// ```
/// 0  L1 table's offset u64   12 id's length u16     16 seconds u32       32 machine state u32
/// 8  L1 entries u32          14 name's length u16   20 nanoseconds u32   36 extra data's length u32
///                                                   24 guest's time u64  40 extra data, id, name
/// extra data: 0 machine state u64 · 8 virtual size u64 · …          padded to a multiple of 8
/// ```
package enum SnapshotTable {
  private static let fixedBytes = 40
  /// As many as QEMU takes of a name.
  private static let mostNameBytes = 255

  /// All snapshots of an image.
  ///
  /// - Parameters:
  ///   - metadata: The image's header.
  ///   - file: The image.
  /// - Returns: The snapshots in the order of the table.
  /// - Throws: `ImageError`; no content makes it trap.
  package static func read(
    _ metadata: ImageMetadata, from file: ImageFile
  ) throws(ImageError) -> [Snapshot] {
    let header = metadata.header
    let start = header.snapshotsOffset.bytes
    if header.snapshotCount == 0 { return [] }
    guard header.snapshotCount <= ImageLimits.snapshots else {
      throw file.malformed(
        "\(header.snapshotCount) snapshots, must be at most \(ImageLimits.snapshots)")
    }
    // Checked before memory is taken: each entry has at least its fixed bytes.
    try file.check(
      UInt64(header.snapshotCount) * UInt64(fixedBytes), at: start, "the snapshot table")
    var (snapshots, offset) = ([Snapshot](), start)
    for index in 0..<header.snapshotCount {
      offset = (offset + 7) & ~7
      let snapshot = try entry(index, at: &offset, from: file)
      guard offset - start <= ImageLimits.snapshotTableSize else {
        throw file.malformed(
          "a snapshot table of more than \(ImageLimits.snapshotTableSize) bytes, which is the most")
      }
      snapshots.append(snapshot)
    }
    return snapshots
  }

  /// Reads one entry and moves `offset` behind it.
  private static func entry(
    _ index: UInt32, at offset: inout UInt64, from file: ImageFile
  ) throws(ImageError) -> Snapshot {
    let fixed = try file.bytes(fixedBytes, at: offset, "snapshot \(index)")
    func field<Value: FixedWidthInteger>(_ type: Value.Type, at offset: Int) -> Value {
      fixed.withUnsafeBytes { $0.loadBigEndian(type, at: offset) }
    }
    let extraLength = field(UInt32.self, at: 36)
    guard extraLength <= ImageLimits.snapshotExtraData else {
      throw file.malformed(
        """
        snapshot \(index) has \(extraLength) bytes of extra data, \
        must be at most \(ImageLimits.snapshotExtraData)
        """)
    }
    let (idEnd, nameLength) = (
      Int(extraLength) + Int(field(UInt16.self, at: 12)), Int(field(UInt16.self, at: 14))
    )
    let rest = try file.bytes(
      idEnd + nameLength, at: offset + UInt64(fixedBytes), "snapshot \(index)")
    offset += UInt64(fixedBytes + rest.count)
    func extra(at offset: Int) -> UInt64? {
      guard offset + 8 <= Int(extraLength) else { return nil }
      return rest.withUnsafeBytes { $0.loadBigEndian(UInt64.self, at: offset) }
    }
    return Snapshot(
      id: String(decoding: rest[Int(extraLength)..<idEnd].prefix(mostNameBytes), as: UTF8.self),
      name: String(decoding: rest[idEnd...].prefix(mostNameBytes), as: UTF8.self),
      seconds: field(UInt32.self, at: 16),
      machineStateSize: extra(at: 0) ?? UInt64(field(UInt32.self, at: 32)),
      virtualSize: extra(at: 8).map { $0 & ~511 }, l1Offset: HostOffset(field(UInt64.self, at: 0)),
      l1EntryCount: field(UInt32.self, at: 8))
  }
}
