internal import DiskIO

extension StoreDump {
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
        "hash store dump", needed: needed(by: bytes), available: UInt64(bytes.count))
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
    var incarnations: [UInt64] = []
    for _ in 0..<counts.incarnations { incarnations.append(try reader.next()) }
    var limbo: [UInt64] = []
    for _ in 0..<counts.limbo { limbo.append(try reader.next()) }
    return StoreDump(order: order, incarnations: incarnations, limbo: limbo)
  }

  /// How long a dump is that begins with these bytes.
  private static func needed(by bytes: [UInt8]) -> UInt64 {
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
      try StoreExtent(offset: offset, byteCount: byteCount)
        .check(fileSize: fileSize, alignment: alignment)
    }
    for (other, offset) in zip(offsets, offsets.dropFirst()) where offset - other < byteCount {
      throw .overlapping(offset: offset, other: other, byteCount: byteCount)
    }
  }
}
