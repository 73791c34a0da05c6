/// The 64-bit entries of L1 and L2 tables (qcow2 specification, "Cluster mapping").
///
///     63      62          61 … 56    55 … 9         8 … 1     0
///     COPIED  compressed  reserved   host offset    reserved  reads as zeros (L2 only)
///
/// An entry of 0 is an unallocated table or cluster.
package enum TableEntry {
  /// Set exactly when the cluster that the entry names has a refcount of 1.
  package static let copied: UInt64 = 1 << 63
  /// Set in an L2 entry whose cluster is compressed.
  static let compressed: UInt64 = 1 << 62
  /// Set in an L2 entry whose cluster reads as zeros, wherever it is.
  static let readsAsZeros: UInt64 = 1
  /// The bits of the host offset.
  static let offsetMask: UInt64 = 0x00FF_FFFF_FFFF_FE00

  /// The entry that names the cluster at `host`.
  ///
  /// - Parameters:
  ///   - host: A cluster-aligned offset below 2^56.
  ///   - isCopied: Whether the cluster's refcount is 1.
  /// - Returns: The entry as a number; on disk it is big-endian.
  package static func standard(_ host: HostOffset, isCopied: Bool) -> UInt64 {
    isCopied ? host.bytes | copied : host.bytes
  }

  /// The host offset that `entry` names; nil if it names none.
  package static func hostOffset(_ entry: UInt64) -> HostOffset? {
    let offset = entry & offsetMask
    return offset == 0 ? nil : HostOffset(offset)
  }
}

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

  /// The cluster that a byte of the file is in.
  func cluster(at host: HostOffset) -> HostCluster { host.cluster(bits: clusterBits) }

  /// Where a cluster of the file begins.
  func host(of cluster: HostCluster) -> HostOffset { cluster.offset(bits: clusterBits) }

  /// Whether a cluster can begin at `host`.
  func isClusterAligned(_ host: HostOffset) -> Bool {
    host.bytes & (clusterSize - 1) == 0
  }
}
