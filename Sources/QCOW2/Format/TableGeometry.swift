/// How an image's tables divide its disk: the size of clusters and L2 entries, and what follows.
///
/// An L2 entry has 8 bytes and maps a cluster; an extended one has 16 and says of each 32nd of the
/// cluster, a subcluster, whether it is there (qcow2 specification, "Extended L2 Entries").
package struct TableGeometry: Equatable, Sendable {
  /// The binary logarithm of the cluster size.
  package let clusterBits: Int
  /// Whether L2 entries are extended.
  package let hasSubclusters: Bool

  /// The geometry that a header asks for; its `cluster_bits` must be 9 to 21.
  init(_ header: Header) {
    clusterBits = header.clusterBits
    hasSubclusters = header.has(.extendedL2)
  }

  /// The size of a cluster in bytes.
  package var clusterSize: UInt64 { 1 << UInt64(clusterBits) }
  /// The size of an L2 entry in 64-bit words.
  var wordsPerEntry: Int { hasSubclusters ? 2 : 1 }
  /// The binary logarithm of the number of entries of an L2 table.
  var entryBits: Int { clusterBits - (hasSubclusters ? 4 : 3) }
  /// The guest bytes that one L2 table maps.
  var bytesPerTable: UInt64 { 1 << UInt64(clusterBits + entryBits) }
  /// The binary logarithm of the size of what is mapped as one: a cluster or a subcluster.
  var unitBits: Int { clusterBits - subclusterBits }
  /// The binary logarithm of the number of units of a cluster.
  var subclusterBits: Int { hasSubclusters ? 5 : 0 }

  /// Whether a cluster can begin at `host`.
  func isClusterAligned(_ host: HostOffset) -> Bool {
    host.bytes & (clusterSize - 1) == 0
  }
}
