import TestSupport

/// The content of a disk, from a seed.
struct Disks {
  /// Clusters that are drawn from a few distinct ones, and some zeros.
  ///
  /// - Returns: The disk, and how often each distinct content occurs in it.
  static func random(
    clusters: Int, clusterSize: Int, distinct: Int, zeroPercent: UInt64 = 10, seed: UInt64
  ) -> (bytes: [UInt8], occurrences: [Int]) {
    var generator = SplitMix64(seed: seed)
    var occurrences = [Int](repeating: 0, count: distinct)
    var bytes = [UInt8](repeating: 0, count: clusters * clusterSize)
    for cluster in 0..<clusters where generator.next() % 100 >= zeroPercent {
      let content = Int(generator.next() % UInt64(distinct))
      occurrences[content] += 1
      fill(&bytes, from: cluster * clusterSize, count: clusterSize, content: UInt64(content))
    }
    return (bytes, occurrences)
  }

  /// Clusters no two of which are equal.
  static func unique(clusters: Int, clusterSize: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: clusters * clusterSize)
    for cluster in 0..<clusters {
      fill(
        &bytes, from: cluster * clusterSize, count: clusterSize, content: UInt64(cluster))
    }
    return bytes
  }

  /// Fills a cluster with numbers that follow from `content`.
  private static func fill(
    _ bytes: inout [UInt8], from start: Int, count: Int, content: UInt64
  ) {
    var generator = SplitMix64(seed: content &* 7919 &+ 1)
    bytes.withUnsafeMutableBytes { bytes in
      for offset in stride(from: start, to: start + count, by: 8) {
        bytes.storeBytes(of: generator.next(), toByteOffset: offset, as: UInt64.self)
      }
    }
  }
}
