internal import DiskIO

/// The lists of a store as they are saved: where its incarnations and its limbo spaces are.
///
/// ```
/// 0  order u32        4  incarnations u32 (n)        8  limbo spaces u32 (m)
/// 12 n offsets u64, youngest first, then m offsets u64, newest first
/// ```
/// All numbers are big-endian (S30).
public struct StoreDump: Hashable, Sendable {
  /// The bytes before the offsets.
  static let fixedBytes = 12

  /// The order of the store.
  public let order: UInt32
  /// The byte offsets of the incarnations, youngest first.
  public let incarnations: [UInt64]
  /// The byte offsets of the limbo spaces, newest first.
  public let limbo: [UInt64]

  /// The dump with these lists.
  public init(order: UInt32, incarnations: [UInt64], limbo: [UInt64]) {
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
    for offset in incarnations + limbo { bytes.append(bigEndian: offset) }
    return bytes
  }
}
