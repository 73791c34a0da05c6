internal import DedupStore
internal import DiskImage

extension Batch {
  /// Tells zeros from data and takes the digest of the data, for each cluster.
  func digestClusters(with digest: (UnsafeRawBufferPointer) -> Digest) {
    let size = geometry.clusterSize
    hasData = false
    for cluster in 0..<clusterCount {
      let content = UnsafeRawBufferPointer(start: address(cluster), count: size)
      if content.isAllZeros {
        plans[cluster].kind = .zero
      } else {
        plans[cluster] = ClusterPlan(kind: .unique, digest: digest(content), original: nil)
        hasData = true
      }
    }
  }
}

extension UnsafeRawBufferPointer {
  /// Whether every byte is zero.
  ///
  /// The count is a multiple of 64.
  public var isAllZeros: Bool {
    guard let base = baseAddress else { return true }
    var offset = 0
    while offset < count {
      let block = base.loadUnaligned(fromByteOffset: offset, as: SIMD8<UInt64>.self)
      if block != .zero { return false }
      offset += 64
    }
    return true
  }
}
