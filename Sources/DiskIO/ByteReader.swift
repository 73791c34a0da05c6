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
