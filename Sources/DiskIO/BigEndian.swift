/// Big-endian integers in raw memory, aligned or not. Both qcow2 and the hash store store all
/// numbers this way.
extension UnsafeMutableRawBufferPointer {
  /// Stores `value` in big-endian order with its first byte at `offset`; traps outside the buffer.
  @inlinable
  public func storeBigEndian<Value: FixedWidthInteger>(_ value: Value, at offset: Int) {
    storeBytes(of: value.bigEndian, toByteOffset: offset, as: Value.self)
  }
}

extension UnsafeRawBufferPointer {
  /// The big-endian number whose first byte is at `offset`; traps outside the buffer.
  @inlinable
  public func loadBigEndian<Value: FixedWidthInteger>(_ type: Value.Type, at offset: Int) -> Value {
    Value(bigEndian: loadUnaligned(fromByteOffset: offset, as: Value.self))
  }
}

extension [UInt8] {
  /// Appends `value` in big-endian order.
  @inlinable
  public mutating func append<Value: FixedWidthInteger>(bigEndian value: Value) {
    Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
  }

  /// Appends zero bytes until the count is a multiple of `alignment`, which must be positive.
  @inlinable
  public mutating func pad(toMultipleOf alignment: Int) {
    let rest = count % alignment
    if rest != 0 { append(contentsOf: repeatElement(0, count: alignment - rest)) }
  }
}
