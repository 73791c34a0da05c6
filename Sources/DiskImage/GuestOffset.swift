/// A place on the disk that a guest sees, in bytes.
public struct GuestOffset: Hashable, Comparable, Sendable {
  /// The distance from the beginning of the disk, in bytes.
  public let bytes: UInt64

  /// The place `bytes` bytes behind the beginning of the disk.
  @inlinable
  public init(_ bytes: UInt64) {
    self.bytes = bytes
  }

  /// Whether the left place stands before the right one.
  @inlinable
  public static func < (left: GuestOffset, right: GuestOffset) -> Bool {
    left.bytes < right.bytes
  }
}

/// A run of bytes on the disk that a guest sees.
public struct GuestRange: Equatable, Sendable {
  /// The first byte.
  public let start: GuestOffset
  /// The byte behind the last one; never before `start`.
  public let end: GuestOffset

  /// The bytes from `start` up to, without, `end`.
  @inlinable
  public init(_ start: GuestOffset, upTo end: GuestOffset) {
    self.start = start
    self.end = max(start, end)
  }

  /// The number of bytes.
  @inlinable
  public var byteCount: UInt64 { end.bytes - start.bytes }
}
