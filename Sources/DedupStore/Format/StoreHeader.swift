internal import DiskIO

/// The header extension that makes a store known to programs that open the image.
///
/// ```
/// 0  version u32 = 1      12 max incarnations u32        28 zero u32
/// 4  flags u32            16 offset of the dump u64      32 XXH3-64 of bytes 0–31 and the dump
/// 8  algorithm u32 = 3    24 length of the dump u32      40 the dump, if its offset is 0
/// ```
/// All numbers are big-endian.
public struct StoreHeader: Hashable, Sendable {
  /// The type of the header extension.
  public static let extensionType: UInt32 = 0xCD8E_819B
  /// The bit among the autoclear features without which a store is not valid.
  public static let autoclearBit = 63
  /// The name of that bit in the feature name table.
  public static let featureName = "hash store"
  /// The bytes before an inline dump.
  public static let fixedBytes = 40

  private static let version: UInt32 = 1
  private static let algorithm: UInt32 = 3
  private static let dirtyFlag: UInt32 = 1

  /// Whether a program that knows the store is changing it, or was when it ended.
  public let isDirty: Bool
  /// How many incarnations may be known at once; 0 is no limit.
  public let maxIncarnations: UInt32
  /// Where the dump begins; nil if it is inline, which is 0 on disk.
  public let dumpOffset: StorageOffset?
  /// The bytes of the dump.
  public let dumpLength: UInt32
  /// The checksum, which covers the dump too.
  public let checksum: UInt64
  /// The bytes of the dump, if it is inline.
  public let inlineDump: [UInt8]?

  private init(
    isDirty: Bool, maxIncarnations: UInt32, dumpOffset: StorageOffset?, dumpLength: UInt32,
    checksum: UInt64, inlineDump: [UInt8]?
  ) {
    self.isDirty = isDirty
    self.maxIncarnations = maxIncarnations
    self.dumpOffset = dumpOffset
    self.dumpLength = dumpLength
    self.checksum = checksum
    self.inlineDump = inlineDump
  }

  /// The header for a dump that is about to be saved.
  ///
  /// - Parameters:
  ///   - dump: The lists of the store.
  ///   - dumpOffset: Where the dump is written; nil puts it inline.
  ///   - maxIncarnations: How many incarnations may be known at once; 0 is no limit.
  ///   - isDirty: Whether the store is about to change.
  public init(
    dump: StoreDump, dumpOffset: StorageOffset?, maxIncarnations: UInt32, isDirty: Bool = false
  ) {
    let bytes = dump.serialized
    let length = UInt32(bytes.count)
    let unsealed = StoreHeader(
      isDirty: isDirty, maxIncarnations: maxIncarnations, dumpOffset: dumpOffset,
      dumpLength: length, checksum: 0, inlineDump: dumpOffset == nil ? bytes : nil)
    self.init(
      isDirty: isDirty, maxIncarnations: maxIncarnations, dumpOffset: dumpOffset,
      dumpLength: length, checksum: Self.checksum(of: unsealed.fields + bytes),
      inlineDump: unsealed.inlineDump)
  }

  /// The data of the extension: 40 bytes, then the dump if it is inline; not padded.
  public var serialized: [UInt8] {
    var bytes = fields
    bytes.append(bigEndian: checksum)
    return bytes + (inlineDump ?? [])
  }

  /// The bytes 0–31.
  private var fields: [UInt8] {
    var bytes: [UInt8] = []
    let flags = isDirty ? Self.dirtyFlag : 0
    for value in [Self.version, flags, Self.algorithm, maxIncarnations] {
      bytes.append(bigEndian: value)
    }
    bytes.append(bigEndian: dumpOffset?.bytes ?? 0)
    bytes.append(bigEndian: dumpLength)
    bytes.append(bigEndian: UInt32(0))
    return bytes
  }

  private static func checksum(of bytes: [UInt8]) -> UInt64 {
    bytes.withUnsafeBytes { XXH3Stream.hash($0) }
  }

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
    let place: UInt64 = number(at: 16)
    let dumpOffset = place == 0 ? nil : StorageOffset(place)
    if let dumpOffset {
      try dumpOffset.check(
        byteCount: UInt64(dumpLength), fileSize: fileSize, alignment: alignment)
    } else {
      try checkCount(bytes, atLeast: UInt64(fixedBytes) + UInt64(dumpLength))
    }
    let header = StoreHeader(
      isDirty: flags == dirtyFlag, maxIncarnations: number(at: 12), dumpOffset: dumpOffset,
      dumpLength: dumpLength, checksum: number(at: 32),
      inlineDump: dumpOffset == nil
        ? Array(bytes[fixedBytes..<fixedBytes + Int(dumpLength)]) : nil)
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
