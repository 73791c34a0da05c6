/// A place in the file that holds an image, in bytes.
///
/// Every place in a file is a `HostOffset` or a `HostCluster`. A bare number is used only for sizes
/// and counts, and for places inside one table, header or cluster.
public struct HostOffset: Hashable, Comparable, Sendable {
  /// The distance from the beginning of the file, in bytes.
  public let bytes: UInt64

  /// The place `bytes` bytes after the beginning of the file.
  @inlinable
  public init(_ bytes: UInt64) {
    self.bytes = bytes
  }

  /// Whether the left place is before the right one.
  @inlinable
  public static func < (left: HostOffset, right: HostOffset) -> Bool {
    left.bytes < right.bytes
  }

  /// The place `byteCount` bytes after this one. It traps if there is none, so both must be checked
  /// if they come from an image.
  @inlinable
  package func advanced(by byteCount: UInt64) -> HostOffset { HostOffset(bytes + byteCount) }

  /// The cluster that this byte is in.
  @inlinable
  package func cluster(bits: Int) -> HostCluster { HostCluster(bytes >> UInt64(bits)) }
}

/// A cluster of the file that holds an image, by its number: cluster 0 holds the header.
public struct HostCluster: Hashable, Comparable, Strideable, Sendable {
  /// The number of clusters before it.
  public let index: UInt64

  /// The cluster after the first `index` ones. The file must be able to have it: `index` is less
  /// than 2^55, as offsets are less than 2^64 and clusters have at least 512 bytes.
  @inlinable
  public init(_ index: UInt64) {
    self.index = index
  }

  /// Whether the left cluster is before the right one.
  @inlinable
  public static func < (left: HostCluster, right: HostCluster) -> Bool { left.index < right.index }

  /// How many clusters `other` is after this one.
  @inlinable
  public func distance(to other: HostCluster) -> Int { Int(other.index) - Int(index) }

  /// The cluster `count` clusters after this one.
  @inlinable
  public func advanced(by count: Int) -> HostCluster { HostCluster(UInt64(Int(index) + count)) }

  /// Where the cluster begins.
  @inlinable
  package func offset(bits: Int) -> HostOffset { HostOffset(index << UInt64(bits)) }
}
