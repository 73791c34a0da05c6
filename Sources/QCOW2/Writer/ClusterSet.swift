/// A set of host clusters: one bit for each up to the highest that is in it.
struct ClusterSet {
  private var words: [UInt64] = []

  /// No clusters.
  init() {}

  /// Those of the first `count` clusters that pass a test, which is asked once for each.
  init(_ count: UInt64, where isIncluded: (HostCluster) -> Bool) {
    words = Array(repeating: 0, count: Int(count.dividedUp(by: 64)))
    for index in 0..<count where isIncluded(HostCluster(index)) { insert(HostCluster(index)) }
  }

  /// Whether a cluster is in the set. O(1).
  func contains(_ cluster: HostCluster) -> Bool {
    let word = Int(cluster.index / 64)
    return word < words.count && words[word] >> (cluster.index % 64) & 1 == 1
  }

  /// Adds a cluster. O(1) but for growing.
  mutating func insert(_ cluster: HostCluster) {
    let word = Int(cluster.index / 64)
    if word >= words.count {
      words.append(contentsOf: repeatElement(0, count: word + 1 - words.count))
    }
    words[word] |= 1 << (cluster.index % 64)
  }

  /// Whether the set has all of the 64 clusters from a multiple of 64 on. O(1).
  func containsAll64(from cluster: UInt64) -> Bool {
    let word = Int(cluster / 64)
    return word < words.count && words[word] == .max
  }
}
