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
    if metadata.header.snapshotCount == 0 { return [] }
    try checkCount(metadata.header, of: file)
    // Checked before memory is taken: each entry has at least its fixed bytes.
    try file.check(
      UInt64(metadata.header.snapshotCount) * UInt64(fixedBytes),
      at: metadata.header.snapshotsOffset.bytes, "the snapshot table")
    return try read(metadata, from: file, readsPastEnd: false).snapshots
  }

  /// All snapshots of an image, which may be damaged.
  ///
  /// - Parameters:
  ///   - metadata: The image's header.
  ///   - file: The image.
  ///   - readsPastEnd: Whether what lies behind the file's end counts as zeros, not as an error.
  /// - Returns: The snapshots in the order of the table, and its size.
  /// - Throws: `ImageError`; no content makes it trap.
  static func read(
    _ metadata: ImageMetadata, from file: ImageFile, readsPastEnd: Bool
  ) throws(ImageError) -> (snapshots: [Snapshot], byteCount: UInt64) {
    let header = metadata.header
    let start = header.snapshotsOffset.bytes
    try checkCount(header, of: file)
    let end = start.addingReportingOverflow(ImageLimits.snapshotTableSize)
    guard !end.overflow, end.partialValue <= UInt64(Int64.max) else {
      throw file.malformed("a snapshot table at byte \(start), which is no place in a file")
    }
    var (snapshots, offset) = ([Snapshot](), start)
    for index in 0..<header.snapshotCount {
      offset = (offset + 7) & ~7
      let snapshot = try entry(index, at: &offset, from: file, readsPastEnd)
      guard offset - start <= ImageLimits.snapshotTableSize else {
        throw file.malformed(
          "a snapshot table of more than \(ImageLimits.snapshotTableSize) bytes, which is the most")
      }
      snapshots.append(snapshot)
    }
    return (snapshots, offset - start)
  }

  private static func checkCount(_ header: Header, of file: ImageFile) throws(ImageError) {
    guard header.snapshotCount <= ImageLimits.snapshots else {
      throw file.malformed(
        "\(header.snapshotCount) snapshots, must be at most \(ImageLimits.snapshots)")
    }
  }

  /// Reads one entry and moves `offset` behind it.
  private static func entry(
    _ index: UInt32, at offset: inout UInt64, from file: ImageFile, _ readsPastEnd: Bool
  ) throws(ImageError) -> Snapshot {
    func bytes(_ count: Int, at offset: UInt64) throws(ImageError) -> [UInt8] {
      if readsPastEnd { return try file.padded(count, at: offset) }
      return try file.bytes(count, at: offset, "snapshot \(index)")
    }
    let fixed = try bytes(fixedBytes, at: offset)
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
    let rest = try bytes(idEnd + nameLength, at: offset + UInt64(fixedBytes))
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
