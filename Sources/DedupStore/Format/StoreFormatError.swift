/// Why bytes are not a saved store, or not one that this version can use.
public enum StoreFormatError: Error, Hashable, Sendable {
  /// A structure ends before all of it was there; sizes in bytes.
  case truncated(String, needed: UInt64, available: UInt64)
  /// The order is not one that a store may have.
  case orderOutOfRange(UInt32)
  /// The offset of an incarnation or a dump is no multiple of the image's clusters.
  case unaligned(offset: StorageOffset, alignment: UInt64)
  /// Something would begin in the first cluster or end after the end of the file; all in bytes.
  case outsideFile(offset: StorageOffset, byteCount: UInt64, allowed: Range<UInt64>)
  /// Two incarnations or limbo spaces would share bytes.
  case overlapping(offset: StorageOffset, other: StorageOffset, byteCount: UInt64)
  /// The structure has a version that is not known.
  case unknownVersion(String, found: UInt32)
  /// The digests are made with another algorithm than XXH3-128, which is number 3.
  case unknownAlgorithm(UInt32)
  /// A flag is set whose meaning is not known.
  case unknownFlags(UInt32)
  /// A field that must be 0 is not.
  case reservedNotZero(UInt32)
  /// A trailer does not begin with "QDINCARN".
  case wrongMagic(UInt64)
  /// The sequence of an incarnation is not one that a store can have.
  case sequenceOutOfRange(UInt64)
  /// A checksum is not that of the bytes.
  case checksumMismatch(String, stored: UInt64, computed: UInt64)
}

extension StoreFormatError: CustomStringConvertible {
  /// One line with the value, the allowed range and the place.
  public var description: String {
    switch self {
    case .truncated(let what, let needed, let available):
      return "the \(what) is cut off: \(needed) bytes are needed, there are \(available)"
    case .orderOutOfRange(let order):
      let valid = StoreGeometry.validOrders
      return "invalid hash store order \(order): must be \(valid.lowerBound) to \(valid.upperBound)"
    case .unaligned(let offset, let alignment):
      return "invalid hash store offset \(offset): must be a multiple of \(alignment)"
    case .outsideFile(let offset, let byteCount, let allowed):
      return """
        invalid hash store offset \(offset): its \(byteCount) bytes must be within \
        \(allowed.lowerBound) to \(allowed.upperBound)
        """
    case .overlapping(let offset, let other, let byteCount):
      return "hash store offsets \(other) and \(offset) overlap: each has \(byteCount) bytes"
    case .unknownVersion(let what, let found):
      return "unknown version \(found) of the \(what): must be 1"
    case .unknownAlgorithm(let found):
      return "unknown hash algorithm \(found) of the hash store: must be 3 (XXH3-128)"
    case .unknownFlags(let found):
      return "unknown hash store flags 0x\(String(found, radix: 16)): must be 0 or 1"
    case .reservedNotZero(let found):
      return "invalid reserved field \(found) of the hash store header: must be 0"
    case .wrongMagic(let found):
      return "no incarnation trailer: its magic is 0x\(String(found, radix: 16))"
    case .sequenceOutOfRange(let found):
      let valid = IncarnationTrailer.sequences
      return """
        invalid sequence \(found) of an incarnation: must be \(valid.lowerBound) to \
        \(valid.upperBound)
        """
    case .checksumMismatch(let what, let stored, let computed):
      return """
        the \(what) is damaged: its checksum is 0x\(String(computed, radix: 16)), \
        must be 0x\(String(stored, radix: 16))
        """
    }
  }
}
