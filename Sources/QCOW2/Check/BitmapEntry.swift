internal import DiskIO
internal import DiskImage

/// An entry of the directory of persistent bitmaps (qcow2 specification, "Bitmap directory").
///
/// ```
/// 0 table's offset u64   8 table's entries u32   12 flags u32   16 type u8   17 granularity u8
/// 18 name's length u16   20 extra data's length u32   24 extra data, name   padded to 8 bytes
/// ```
struct BitmapEntry {
  /// The bytes before extra data and name.
  static let fixedBytes = 24
  /// The largest table, in entries.
  private static let mostEntries: UInt32 = 1 << 27
  /// The most bytes that a bitmap may take.
  private static let mostBytes: UInt64 = 1 << 29
  private static let longestName = 1023

  /// Where the table begins.
  let tableOffset: HostOffset
  /// The number of its entries.
  let tableEntryCount: UInt64
  /// The name.
  let name: String
  /// How many bytes of the directory the entry takes.
  let byteCount: Int
  /// Whether the bitmap was in use when the last writer ended, so that its content means nothing.
  let isInUse: Bool

  /// Decodes an entry.
  ///
  /// - Parameters:
  ///   - bytes: The directory.
  ///   - start: Where in it the entry begins, within.
  ///   - geometry: The image's clusters.
  ///   - virtualSize: The size of its disk.
  /// - Throws: `FormatError` if QEMU does not load such a bitmap.
  init(
    _ bytes: [UInt8], at start: Int, _ geometry: TableGeometry, virtualSize: UInt64
  ) throws(FormatError) {
    func field<Value: FixedWidthInteger>(_ type: Value.Type, at offset: Int) -> Value {
      bytes.withUnsafeBytes { $0.loadBigEndian(type, at: start + offset) }
    }
    let left = bytes.count - start
    try FormatError.require(
      left >= Self.fixedBytes, "a bitmap's entry has \(left) of \(Self.fixedBytes) bytes")
    tableOffset = HostOffset(field(UInt64.self, at: 0))
    let entries = field(UInt32.self, at: 8)
    tableEntryCount = UInt64(entries)
    let flags = field(UInt32.self, at: 12)
    isInUse = flags & 1 != 0
    let (type, granularity) = (field(UInt8.self, at: 16), field(UInt8.self, at: 17))
    let (nameLength, extra) = (Int(field(UInt16.self, at: 18)), field(UInt32.self, at: 20))
    try FormatError.require(extra == 0, "a bitmap with \(extra) bytes of extra data, must be 0")
    byteCount = (Self.fixedBytes + nameLength + 7) & ~7
    try FormatError.require(
      byteCount <= left, "a bitmap's entry has \(left) of \(byteCount) bytes")
    let nameStart = start + Self.fixedBytes
    name = String(decoding: bytes[nameStart..<nameStart + nameLength], as: UTF8.self)
    try FormatError.require(
      nameLength <= Self.longestName && type == 1 && flags & ~3 == 0
        && (9...31).contains(granularity),
      """
      bitmap \(name.quoted): type \(type), flags \(flags), granularity bits \(granularity), \
      must be 1, 0 to 3, 9 to 31
      """)
    try FormatError.require(
      tableOffset.bytes != 0 && tableOffset.bytes <= UInt64(Int64.max >> 1)
        && geometry.isClusterAligned(tableOffset),
      """
      bitmap \(name.quoted): a table at byte \(tableOffset.bytes), \
      must be a multiple of the cluster size
      """)
    let bitmapBytes = tableEntryCount * geometry.clusterSize
    // A bitmap is kept in words of 64 bits.
    let words = virtualSize.dividedUp(by: 1 << UInt64(granularity)).dividedUp(by: 64)
    let needed = (words * 8).dividedUp(by: geometry.clusterSize)
    try FormatError.require(
      entries > 0 && entries <= Self.mostEntries && bitmapBytes <= Self.mostBytes
        && (isInUse || needed == tableEntryCount),
      """
      bitmap \(name.quoted): a table of \(entries) entries, must be \(needed), \
      and at most \(Self.mostBytes / geometry.clusterSize)
      """)
  }
}
