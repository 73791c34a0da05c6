/// Where the refcount blocks and the refcount table go, and how many clusters they take: they
/// count themselves too.
package struct RefcountLayout: Equatable {
  /// The first refcount block's cluster; the others follow, then the table.
  package let firstBlock: UInt64
  /// The number of refcount blocks.
  package let blockCount: UInt64
  /// The number of clusters of the refcount table.
  package let tableClusterCount: UInt64

  /// The refcount table's first cluster.
  package var firstTableCluster: UInt64 { firstBlock + blockCount }
  /// The number of clusters of the whole file.
  package var clusterCount: UInt64 { firstTableCluster + tableClusterCount }

  /// The smallest layout behind `used` clusters.
  ///
  /// - Parameters:
  ///   - used: The number of clusters in use before.
  ///   - clusterSize: In bytes.
  ///   - width: The width of a refcount.
  package init(behind used: UInt64, clusterSize: Int, width: RefcountWidth) {
    let perBlock = UInt64(clusterSize / width.byteCount)
    let perTableCluster = UInt64(clusterSize / 8)
    var (blocks, tables) = (UInt64(1), UInt64(1))
    // Both only grow, and each round adds far less than the one before it.
    while true {
      let total = used + blocks + tables
      let neededBlocks = total.dividedUp(by: perBlock)
      let neededTables = neededBlocks.dividedUp(by: perTableCluster)
      if neededBlocks <= blocks, neededTables <= tables { break }
      (blocks, tables) = (max(blocks, neededBlocks), max(tables, neededTables))
    }
    firstBlock = used
    blockCount = blocks
    tableClusterCount = tables
  }
}

extension UInt64 {
  /// The quotient, rounded up.
  func dividedUp(by divisor: UInt64) -> UInt64 { self / divisor + (self % divisor == 0 ? 0 : 1) }
}
