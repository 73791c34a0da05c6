/// A place on the disk that a guest sees, in bytes.
public struct GuestOffset: Hashable, Comparable, Sendable {
  /// The distance from the beginning of the disk, in bytes.
  public let bytes: UInt64

  /// The place `bytes` bytes after the beginning of the disk.
  @inlinable
  public init(_ bytes: UInt64) {
    self.bytes = bytes
  }

  /// Whether the left place is before the right one.
  @inlinable
  public static func < (left: GuestOffset, right: GuestOffset) -> Bool {
    left.bytes < right.bytes
  }
}

/// A run of bytes on the disk that a guest sees.
public struct GuestRange: Equatable, Sendable {
  /// The first byte.
  public let start: GuestOffset
  /// The byte after the last one; never before `start`.
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

/// The size of an image's clusters, and what follows from it.
public struct ClusterGeometry: Equatable, Sendable {
  /// The binary logarithm of the cluster size: 9…21 (qcow2 specification, `cluster_bits`).
  public let clusterBits: Int

  /// The cluster sizes that qcow2 allows in QEMU, in bytes.
  public static let allowedSizes: ClosedRange<Int> = 512...2_097_152

  /// Clusters of `clusterSize` bytes; nil unless that is a power of two from 512 to 2 MiB.
  public init?(clusterSize: Int) {
    guard Self.allowedSizes.contains(clusterSize), clusterSize.nonzeroBitCount == 1 else {
      return nil
    }
    clusterBits = clusterSize.trailingZeroBitCount
  }

  /// The size of a cluster in bytes.
  @inlinable
  public var clusterSize: Int { 1 << clusterBits }

  /// The number of the cluster that holds `offset`.
  @inlinable
  public func clusterIndex(at offset: GuestOffset) -> UInt64 { offset.bytes >> clusterBits }

  /// How many clusters hold `byteCount` bytes, the last one perhaps in part.
  @inlinable
  public func clusterCount(forBytes byteCount: UInt64) -> UInt64 {
    let whole = byteCount >> clusterBits
    return whole << clusterBits == byteCount ? whole : whole + 1
  }
}
