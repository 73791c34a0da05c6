package import DiskImage

/// How guest clusters are grouped on their way: by rules of the cluster size alone, so that the
/// output's bytes depend on neither the input's format nor the number of threads.
package struct BatchShape {
  /// The bytes of a batch: a multiple of the cluster size. Batches begin at multiples of it.
  package let byteCount: Int
  /// How many batches with data stand between looking up a cluster and placing it.
  package let lag: Int

  /// The shape for clusters of one size.
  package init(_ geometry: ClusterGeometry) {
    byteCount = max(Self.preferredSize, geometry.clusterSize)
    lag = min(8, max(2, Self.inFlightSize / byteCount))
  }

  /// Small enough to stay in a processor's cache from reading to writing, large enough that
  /// system calls do not count.
  private static let preferredSize = 256 << 10
  /// How many bytes may be between lookup and placing.
  private static let inFlightSize = 8 << 20

  /// How many batches must exist for `threads` workers never to wait for memory: each holds one,
  /// and those between lookup and placing, and as many again, are kept to compare with.
  package func batchCount(threads: Int) -> Int { threads + 2 * lag }
}
