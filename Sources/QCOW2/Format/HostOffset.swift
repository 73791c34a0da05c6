/// A place in the file that holds an image, in bytes.
public struct HostOffset: Hashable, Comparable, Sendable {
  /// The distance from the beginning of the file, in bytes.
  public let bytes: UInt64

  /// The place `bytes` bytes behind the beginning of the file.
  @inlinable
  public init(_ bytes: UInt64) {
    self.bytes = bytes
  }

  /// Whether the left place stands before the right one.
  @inlinable
  public static func < (left: HostOffset, right: HostOffset) -> Bool {
    left.bytes < right.bytes
  }
}
