internal import DiskIO

/// The lists of a store as they are saved: where its incarnations and its limbo spaces are.
///
/// ```
/// 0  order u32        4  incarnations u32 (n)        8  limbo spaces u32 (m)
/// 12 n offsets u64, youngest first, then m offsets u64, newest first
/// ```
/// All numbers are big-endian (S30). Parsing is the reverse of `serialized`, the order of both lists
/// included (S31), and accepts only offsets at which incarnations can be (S32).
public struct StoreDump: Hashable, Sendable {
  /// The bytes before the offsets.
  private static let fixedBytes = 12

  /// The order of the store.
  public let order: UInt32
  /// Where the incarnations begin, youngest first.
  public let incarnations: [StorageOffset]
  /// Where the limbo spaces begin, newest first.
  public let limbo: [StorageOffset]

  /// The dump with these lists.
  public init(order: UInt32, incarnations: [StorageOffset], limbo: [StorageOffset]) {
    self.order = order
    self.incarnations = incarnations
    self.limbo = limbo
  }

  /// The bytes that the dump takes: 12 + 8 for each offset (S29).
  public var byteCount: Int { Self.fixedBytes + 8 * (incarnations.count + limbo.count) }

  /// The dump in bytes (S30).
  public var serialized: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(byteCount)
    bytes.append(bigEndian: order)
    bytes.append(bigEndian: UInt32(incarnations.count))
    bytes.append(bigEndian: UInt32(limbo.count))
    for offset in incarnations + limbo { bytes.append(bigEndian: offset.bytes) }
    return bytes
  }

  /// Decodes a dump and checks every offset (S31, S32); O(n log n).
  ///
  /// - Parameters:
  ///   - bytes: The dump, and maybe more after it.
  ///   - fileSize: The bytes of the file that holds the incarnations.
  ///   - alignment: The image's cluster size; less than 512 counts as 512.
  /// - Returns: The dump, and how many of the bytes it took.
  /// - Throws: `StoreFormatError` if the bytes are too few, the order is out of range, or an offset
  ///   is unaligned, in the first cluster, outside the file, or overlaps another.
  public static func parse(
    _ bytes: [UInt8], fileSize: UInt64, alignment: UInt64
  ) throws(StoreFormatError) -> (dump: StoreDump, byteCount: Int) {
    var reader = ByteReader(bytes)
    let dump: StoreDump
    do throws(ByteReader.Truncated) {
      dump = try lists(from: &reader)
    } catch {
      throw .truncated(
        "hash store dump", needed: neededBytes(of: bytes), available: UInt64(bytes.count))
    }
    let order = dump.order
    guard let geometry = try? StoreGeometry(order: Int(order)) else {
      throw .orderOutOfRange(order)
    }
    try dump.checkOffsets(
      byteCount: UInt64(geometry.incarnationBytes), fileSize: fileSize, alignment: alignment)
    return (dump, reader.offset)
  }

  private static func lists(
    from reader: inout ByteReader
  ) throws(ByteReader.Truncated) -> StoreDump {
    let order = try reader.next(UInt32.self)
    let counts = (incarnations: try reader.next(UInt32.self), limbo: try reader.next(UInt32.self))
    // No room is reserved for counts that the bytes may not keep.
    var incarnations: [StorageOffset] = []
    for _ in 0..<counts.incarnations { incarnations.append(StorageOffset(try reader.next())) }
    var limbo: [StorageOffset] = []
    for _ in 0..<counts.limbo { limbo.append(StorageOffset(try reader.next())) }
    return StoreDump(order: order, incarnations: incarnations, limbo: limbo)
  }

  /// How long a dump is that begins with these bytes.
  private static func neededBytes(of bytes: [UInt8]) -> UInt64 {
    guard bytes.count >= fixedBytes else { return UInt64(fixedBytes) }
    let counts = bytes.withUnsafeBytes {
      UInt64($0.loadBigEndian(UInt32.self, at: 4)) + UInt64($0.loadBigEndian(UInt32.self, at: 8))
    }
    return UInt64(fixedBytes) + 8 * counts
  }

  private func checkOffsets(
    byteCount: UInt64, fileSize: UInt64, alignment: UInt64
  ) throws(StoreFormatError) {
    let offsets = (incarnations + limbo).sorted()
    for offset in offsets {
      try offset.check(byteCount: byteCount, fileSize: fileSize, alignment: alignment)
    }
    for (other, offset) in zip(offsets, offsets.dropFirst())
    where offset.bytes - other.bytes < byteCount {
      throw .overlapping(offset: offset, other: other, byteCount: byteCount)
    }
  }
}

extension StorageOffset {
  /// Checks that a part of a saved store can begin here (S32).
  ///
  /// - Parameters:
  ///   - byteCount: The size of the part.
  ///   - fileSize: The bytes of the file.
  ///   - alignment: The image's cluster size; less than 512 counts as 512.
  /// - Throws: `StoreFormatError.unaligned` or `.outsideFile`; the first cluster counts as outside.
  func check(
    byteCount: UInt64, fileSize: UInt64, alignment: UInt64
  ) throws(StoreFormatError) {
    let alignment = max(alignment, 512)
    guard bytes % alignment == 0 else { throw .unaligned(offset: self, alignment: alignment) }
    guard bytes >= alignment, bytes <= fileSize, fileSize - bytes >= byteCount else {
      throw .outsideFile(
        offset: self, byteCount: byteCount, allowed: alignment..<max(fileSize, alignment))
    }
  }
}
