internal import DiskIO

/// The refcounts of a block: 2^order bits each; of those smaller than a byte the first stands in the
/// lowest bits (qcow2 specification, "Refcount table").
package struct RefcountBlock {
  private let bytes: UnsafeRawBufferPointer
  private let order: UInt32

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
}
