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

/// Takes big-endian numbers off the front of bytes that nobody has vouched for.
///
/// Every step checks that the bytes are there, so no content makes it trap.
public struct ByteReader {
  /// Thrown when the bytes end before the value that is being read does.
  public struct Truncated: Error, Equatable {
    /// Where the missing value should have begun.
    public let offset: Int
    /// How many bytes it needs.
    public let needed: Int
    /// How many bytes there are in all.
    public let available: Int
  }

  private let bytes: [UInt8]
  /// How many bytes have been taken so far.
  public private(set) var offset = 0

  /// Reads from the beginning of `bytes`.
  public init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  /// Takes one big-endian number.
  ///
  /// - Parameter type: The type of the number.
  /// - Returns: The number.
  /// - Throws: `Truncated` if fewer bytes are left than the number has.
  public mutating func next<Value: FixedWidthInteger>(
    _ type: Value.Type = Value.self
  ) throws(Truncated) -> Value {
    let width = Value.bitWidth / 8
    guard width <= bytes.count - offset else {
      throw Truncated(offset: offset, needed: width, available: bytes.count)
    }
    let value = bytes.withUnsafeBytes { $0.loadBigEndian(Value.self, at: offset) }
    offset += width
    return value
  }
}
