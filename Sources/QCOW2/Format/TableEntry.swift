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
  /// Set in an L2 entry whose cluster reads as zeros, wherever it stands.
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
