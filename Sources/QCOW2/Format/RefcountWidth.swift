/// How wide the refcounts of an image are.
public enum RefcountWidth: Int, Sendable {
  case bits16 = 16
  case bits32 = 32

  /// The highest refcount with which QEMU still takes a snapshot of an image with 16-bit
  /// refcounts: a snapshot doubles refcounts, and the highest doubled one is 65,534.
  package static let highestIn16Bits: UInt32 = 32_767

  /// The highest refcount of all, by the same rule for 32 bits.
  public static let highest: UInt32 = 2_147_483_647

  /// The narrowest width for an image whose highest refcount is `count`.
  package init(forHighest count: UInt32) {
    self = count <= Self.highestIn16Bits ? .bits16 : .bits32
  }

  /// The width in bytes.
  package var byteCount: Int { rawValue / 8 }

  /// The binary logarithm of the width in bits, as the header stores it (`refcount_order`).
  package var order: UInt32 { UInt32(rawValue.trailingZeroBitCount) }
}
