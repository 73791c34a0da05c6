internal import DiskIO

/// The header extension that makes a store known to those who open the image.
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

  static let version: UInt32 = 1
  static let algorithm: UInt32 = 3
  static let dirtyFlag: UInt32 = 1

  /// Whether a program that knows the store is changing it, or was when it ended.
  public let isDirty: Bool
  /// How many incarnations may be known at once; 0 is no limit.
  public let maxIncarnations: UInt32
  /// The byte offset of the dump, or 0 if it is inline.
  public let dumpOffset: UInt64
  /// The bytes of the dump.
  public let dumpLength: UInt32
  /// The checksum, which covers the dump too.
  public let checksum: UInt64
  /// The bytes of the dump, if it is inline.
  public let inlineDump: [UInt8]?

  init(
    isDirty: Bool, maxIncarnations: UInt32, dumpOffset: UInt64, dumpLength: UInt32,
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
  ///   - dumpOffset: Where the dump is written, in bytes; 0 puts it inline.
  ///   - maxIncarnations: How many incarnations may be known at once; 0 is no limit.
  ///   - isDirty: Whether the store is about to change.
  public init(
    dump: StoreDump, dumpOffset: UInt64, maxIncarnations: UInt32, isDirty: Bool = false
  ) {
    let bytes = dump.serialized
    let length = UInt32(bytes.count)
    let unsealed = StoreHeader(
      isDirty: isDirty, maxIncarnations: maxIncarnations, dumpOffset: dumpOffset,
      dumpLength: length, checksum: 0, inlineDump: dumpOffset == 0 ? bytes : nil)
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
  var fields: [UInt8] {
    var bytes: [UInt8] = []
    let flags = isDirty ? Self.dirtyFlag : 0
    for value in [Self.version, flags, Self.algorithm, maxIncarnations] {
      bytes.append(bigEndian: value)
    }
    bytes.append(bigEndian: dumpOffset)
    bytes.append(bigEndian: dumpLength)
    bytes.append(bigEndian: UInt32(0))
    return bytes
  }

  static func checksum(of bytes: [UInt8]) -> UInt64 {
    bytes.withUnsafeBytes { XXH3Stream.hash($0) }
  }
}
