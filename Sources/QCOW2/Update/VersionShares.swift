package import DiskIO
internal import DiskImage

/// What single disks of an image hold, and what no other disk of it has.
///
/// A cluster belongs to one disk alone if all references to it come from that disk. Memory: a byte a
/// cluster of the file, while a disk is looked at. One thread uses it.
package struct VersionShares {
  /// What a disk holds.
  package struct Share: Equatable {
    /// What is mapped, in bytes of the disk.
    package var dataBytes: UInt64 = 0
    /// What no other disk has, in bytes of the file, tables included.
    package var ownBytes: UInt64 = 0
  }

  private let inventory: ImageInventory

  /// The shares of the disks of an image.
  package init(_ inventory: ImageInventory) {
    self.inventory = inventory
  }

  /// What a disk holds.
  ///
  /// - Parameters:
  ///   - disk: The disk.
  ///   - isActive: Whether the image's own disk is a copy of it, which does not count as another.
  /// - Returns: What it holds.
  /// - Throws: `IOError` if its tables cannot be read.
  package func share(
    of disk: DiskTables, withActive isActive: Bool
  ) throws(IOError) -> Share {
    let geometry = inventory.geometry
    let bits = geometry.clusterBits
    var share = Share()
    var counts = ReferenceCounts()
    var own: UInt64 = 0
    // The last reference of all decides, which is this disk's if no other has any.
    func count(_ cluster: HostCluster) {
      let count = counts[cluster] + (isActive ? 2 : 1)
      counts[cluster] = count
      if count == inventory.references(to: cluster) { own += 1 }
    }
    try TableWalk(inventory.file, geometry).forEachCluster(of: disk) { table in
      count(table.cluster(bits: bits))
    } mapping: { mapping in
      share.dataBytes += UInt64(geometry.clusterSize)
      for cluster in mapping.hostClusters(geometry) { count(cluster) }
    }
    let l1Clusters = geometry.clusterCount(forBytes: UInt64(disk.l1EntryCount) * 8)
    share.ownBytes = (own + l1Clusters) << UInt64(bits)
    return share
  }
}
