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
