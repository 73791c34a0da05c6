internal import DiskIO

extension StoreHeader {
  /// Decodes the data of a header extension; an inline dump is checked against the checksum too.
  ///
  /// - Parameters:
  ///   - bytes: The data, maybe with padding after it.
  ///   - fileSize: The bytes of the file that holds the store.
  ///   - alignment: The image's cluster size; less than 512 counts as 512.
  /// - Returns: The header. When its dump is not inline, `checkDump` is to follow.
  /// - Throws: `StoreFormatError` if the bytes are too few; if version, algorithm, a flag or the
  ///   reserved field is not as it must be; if a dump that is not inline would be unaligned or
  ///   outside the file; or if the checksum is not that of an inline dump.
  public static func parse(
    _ bytes: [UInt8], fileSize: UInt64, alignment: UInt64
  ) throws(StoreFormatError) -> StoreHeader {
    try checkCount(bytes, atLeast: UInt64(fixedBytes))
    func number<Value: FixedWidthInteger>(at offset: Int) -> Value {
      bytes.withUnsafeBytes { $0.loadBigEndian(Value.self, at: offset) }
    }
    try checkFixedFields(version: number(at: 0), algorithm: number(at: 8))
    let flags: UInt32 = number(at: 4)
    guard flags & ~dirtyFlag == 0 else { throw .unknownFlags(flags) }
    let reserved: UInt32 = number(at: 28)
    guard reserved == 0 else { throw .reservedNotZero(reserved) }
    let dumpLength: UInt32 = number(at: 24)
    let dumpOffset: UInt64 = number(at: 16)
    if dumpOffset == 0 {
      try checkCount(bytes, atLeast: UInt64(fixedBytes) + UInt64(dumpLength))
    } else {
      try StoreExtent(offset: dumpOffset, byteCount: UInt64(dumpLength))
        .check(fileSize: fileSize, alignment: alignment)
    }
    let header = StoreHeader(
      isDirty: flags == dirtyFlag, maxIncarnations: number(at: 12), dumpOffset: dumpOffset,
      dumpLength: dumpLength, checksum: number(at: 32),
      inlineDump: dumpOffset == 0 ? Array(bytes[fixedBytes..<fixedBytes + Int(dumpLength)]) : nil)
    if let dump = header.inlineDump { try header.checkDump(dump) }
    return header
  }

  /// Checks a dump that was read from where this header says.
  ///
  /// - Parameter dump: The bytes, `dumpLength` of them.
  /// - Throws: `StoreFormatError` if they are too few or the checksum is not theirs.
  public func checkDump(_ dump: [UInt8]) throws(StoreFormatError) {
    guard dump.count == Int(dumpLength) else {
      throw .truncated(
        "hash store dump", needed: UInt64(dumpLength), available: UInt64(dump.count))
    }
    let computed = Self.checksum(of: fields + dump)
    guard computed == checksum else {
      throw .checksumMismatch("hash store header", stored: checksum, computed: computed)
    }
  }

  private static func checkCount(
    _ bytes: [UInt8], atLeast needed: UInt64
  ) throws(StoreFormatError) {
    let available = UInt64(bytes.count)
    guard available >= needed else {
      throw .truncated("hash store header", needed: needed, available: available)
    }
  }

  private static func checkFixedFields(
    version: UInt32, algorithm: UInt32
  ) throws(StoreFormatError) {
    guard version == self.version else {
      throw .unknownVersion("hash store header", found: version)
    }
    guard algorithm == self.algorithm else { throw .unknownAlgorithm(algorithm) }
  }
}
