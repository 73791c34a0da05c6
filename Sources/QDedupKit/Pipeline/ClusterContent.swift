internal import DedupStore
internal import DiskImage

extension Batch {
  /// Tells zeros from data and takes the digest of the data, for each cluster. The batch is filled
  /// then.
  ///
  /// - Parameter digest: The digest of one cluster.
  func digestClusters(with digest: (UnsafeRawBufferPointer) -> Digest) {
    let size = geometry.clusterSize
    hasData = false
    for cluster in 0..<clusterCount {
      let content = UnsafeRawBufferPointer(start: address(cluster), count: size)
      if content.isAllZeros {
        plans[cluster].kind = .zero
      } else {
        plans[cluster] = ClusterPlan(kind: .data, digest: digest(content), originalBytes: nil)
        hasData = true
      }
    }
    move(to: .filled)
  }
}

extension UnsafeRawBufferPointer {
  /// Whether every byte is zero; true for no bytes at all.
  ///
  /// Any count and alignment will do. Ends at the first block of 64 bytes that holds something
  /// else, so data costs next to nothing.
  @_spi(Benchmarks) public var isAllZeros: Bool {
    guard let base = baseAddress else { return true }
    let blocksEnd = count & ~63
    var offset = 0
    while offset < blocksEnd {
      let block = base.loadUnaligned(fromByteOffset: offset, as: SIMD8<UInt64>.self)
      if block != .zero { return false }
      offset += 64
    }
    while offset < count {
      if base.load(fromByteOffset: offset, as: UInt8.self) != 0 { return false }
      offset += 1
    }
    return true
  }
}
