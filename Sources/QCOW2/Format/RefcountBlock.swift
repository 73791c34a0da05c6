internal import DiskIO

/// The refcounts of a block: 2^order bits each, big-endian; of those smaller than a byte the first
/// is in the lowest bits (qcow2 specification, "Refcount table").
package struct RefcountBlock {
  private let bytes: UnsafeRawBufferPointer
  private let order: UInt32

  /// The block in `bytes`, which must stay there.
  package init(_ bytes: UnsafeRawBufferPointer, order: UInt32) {
    self.bytes = bytes
    self.order = order
  }

  /// One of the refcounts, which must be within the block.
  package subscript(index: Int) -> UInt64 {
    switch order {
    case 3: return UInt64(bytes[index])
    case 4: return UInt64(bytes.loadBigEndian(UInt16.self, at: index * 2))
    case 5: return UInt64(bytes.loadBigEndian(UInt32.self, at: index * 4))
    case 6: return bytes.loadBigEndian(UInt64.self, at: index * 8)
    default:
      let width = 1 << Int(order)
      let place = index * width
      return UInt64(bytes[place / 8]) >> UInt64(place % 8) & (1 << UInt64(width) - 1)
    }
  }

  /// Fills `bytes`, part of a block or several blocks, with refcounts.
  ///
  /// - Parameters:
  ///   - bytes: A whole number of 64-bit words.
  ///   - order: The binary logarithm of a refcount's width in bits, at most 6.
  ///   - refcount: Gives the refcount of a number, from 0 on; it must fit the width.
  @inline(__always)
  package static func encode(
    into bytes: UnsafeMutableRawBufferPointer, order: UInt32, _ refcount: (Int) -> UInt64
  ) {
    switch order {
    case 4:
      for index in 0..<bytes.count / 2 {
        bytes.storeBigEndian(UInt16(refcount(index)), at: index * 2)
      }
    case 5:
      for index in 0..<bytes.count / 4 {
        bytes.storeBigEndian(UInt32(refcount(index)), at: index * 4)
      }
    case 6:
      for index in 0..<bytes.count / 8 { bytes.storeBigEndian(refcount(index), at: index * 8) }
    default:
      let (width, perByte) = (UInt64(1) << UInt64(order), 8 >> Int(order))
      for place in 0..<bytes.count {
        var byte: UInt64 = 0
        for part in 0..<perByte {
          byte |= refcount(place * perByte + part) << (UInt64(part) * width)
        }
        bytes[place] = UInt8(byte)
      }
    }
  }
}

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
