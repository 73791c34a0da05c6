internal import DiskIO
internal import DiskImage

/// A change of an existing image: what of it remains, what is added, and the commit.
///
/// 1. `init` works out how often each cluster is referenced by what remains, and which clusters
///    nothing has used: only those are written to.
/// 2. Disks are added through `writer`, as to a new image, or copied.
/// 3. `commit` writes the table of snapshots and all refcounts, and then the header, which is one
///    sector. Until then the old image is whole, afterwards the new one is.
/// 4. `reclaim` gives the room back that nothing uses any more. If the change comes to nothing,
///    `abandon` does that for what it has written.
///
/// One thread at a time uses it.
package final class ImageChange {
  /// Writes what is added.
  package let writer: ImageWriter

  private let inventory: ImageInventory
  private let clusters: HostClusters
  /// Whether the new header may be in the file: from the moment on in which it begins to be written.
  private var mayBeCommitted = false

  /// Begins a change.
  ///
  /// - Parameters:
  ///   - inventory: What the image holds; its references are given up.
  ///   - removed: The disks that will be gone.
  ///   - reserved: What is in use although nothing refers to it: incarnations, limbo and lists of a
  ///     hash store that is valid.
  /// - Throws: `ImageWriterError.io` if tables cannot be read.
  package init(
    _ inventory: ImageInventory, removing removed: [DiskTables], reserved: [Range<HostOffset>]
  ) throws(ImageWriterError) {
    self.inventory = inventory
    let (geometry, file) = (inventory.geometry, inventory.file)
    clusters = HostClusters(
      geometry, counts: Self.counts(inventory), end: HostCluster(inventory.clusterCount),
      free: Self.free(inventory, reserved),
      data: ClusterSet(inventory.clusterCount) { inventory.isData($0) })
    inventory.giveUpReferences()
    let shared: TableIndex
    do throws(IOError) {
      shared = try TableIndex(file, tableBytes: geometry.clusterSize)
      let walk = try TableWalk(file, geometry)
      for disk in removed { try Self.drop(disk, walk, clusters, geometry) }
      try Self.addTables(of: inventory, besides: removed, walk, to: shared)
    } catch {
      throw .io(error)
    }
    writer = try ImageWriter(file: file, geometry, clusters, shared: shared)
  }

  /// The references of all that a change does not write again.
  private static func counts(_ inventory: ImageInventory) -> ReferenceCounts {
    var counts = ReferenceCounts()
    for index in 0..<inventory.clusterCount {
      let cluster = HostCluster(index)
      let count = inventory.references(to: cluster)
      if count > 0, !inventory.isRewrittenMetadata(cluster) { counts[cluster] = count }
    }
    return counts
  }

  private static func free(
    _ inventory: ImageInventory, _ reserved: [Range<HostOffset>]
  ) -> FreeClusters {
    var free = FreeClusters(clusterCount: inventory.clusterCount) {
      inventory.references(to: $0) > 0
    }
    let bits = inventory.geometry.clusterBits
    for range in reserved where !range.isEmpty {
      let last = HostOffset(range.upperBound.bytes - 1).cluster(bits: bits)
      free.reserve(range.lowerBound.cluster(bits: bits)...last)
    }
    return free
  }

  /// Takes back the references of a disk.
  private static func drop(
    _ disk: DiskTables, _ walk: TableWalk, _ clusters: HostClusters, _ geometry: ClusterGeometry
  ) throws(IOError) {
    let bits = geometry.clusterBits
    let l1Clusters = geometry.clusterCount(forBytes: UInt64(disk.l1EntryCount) * 8)
    let first = disk.l1Offset.cluster(bits: bits).index
    for index in first..<first + l1Clusters { clusters.removeReference(to: HostCluster(index)) }
    try walk.forEachCluster(of: disk) { table in
      clusters.removeReference(to: table.cluster(bits: bits))
    } mapping: { mapping in
      clusters.removeReference(to: mapping)
    }
  }

  /// Makes the tables of all snapshots that remain known, so that equal ones are shared.
  private static func addTables(
    of inventory: ImageInventory, besides removed: [DiskTables], _ walk: TableWalk,
    to shared: TableIndex
  ) throws(IOError) {
    var known = Set<HostOffset>()
    for disk in inventory.disks where !removed.contains(disk) {
      for case .some(let table) in try walk.l2Tables(of: disk)
      where known.insert(table).inserted {
        try walk.withTable(at: table) { shared.add(UnsafeRawBufferPointer($0), at: table) }
      }
    }
  }

  /// Makes the change take effect.
  ///
  /// - Parameter contents: What the header says.
  /// - Returns: What the image has become.
  /// - Throws: `ImageWriterError`. If the header was being written by then, nobody knows which of the
  ///   two the disk has: all that either of them uses stays.
  package func commit(_ contents: ImageContents) throws(ImageWriterError) -> FinishedImage {
    let (header, finished) = try writer.prepareCommit(contents)
    mayBeCommitted = true
    do throws(IOError) {
      try inventory.file.file.write(header, at: 0)
      try inventory.file.file.sync()
    } catch {
      throw .commitUncertain(error)
    }
    return finished
  }

  /// Gives all room back to the file system that nothing uses, after the commit: holes are punched,
  /// and the end is cut off. Where the file system cannot do that, the room stays for later changes.
  ///
  /// - Parameter reserved: What is in use although nothing refers to it.
  /// - Returns: The size of the file.
  /// - Throws: `ImageWriterError.io`. The image is sound all the same.
  package func reclaim(reserved: [Range<HostOffset>]) throws(ImageWriterError) -> UInt64 {
    let bits = inventory.geometry.clusterBits
    let end = clusters.end.cluster(bits: bits)
    var kept = FreeClusters(clusterCount: end.index) { clusters.references(to: $0) > 0 }
    for range in reserved where !range.isEmpty {
      let last = HostOffset(range.upperBound.bytes - 1).cluster(bits: bits)
      kept.reserve(range.lowerBound.cluster(bits: bits)...last)
    }
    return try giveBack(upTo: end) { !kept.wasUsed($0) }
  }

  /// Removes what the change has written, if there was no commit.
  package func abandon() {
    guard !mayBeCommitted else { return }
    let old = inventory.clusterCount
    _ = try? giveBack(upTo: HostCluster(old)) { clusters.isTakenByChange($0) }
    try? inventory.file.file.truncate(to: inventory.byteCount)
  }

  /// Punches holes where clusters are free, and cuts the free end off.
  private func giveBack(
    upTo end: HostCluster, _ isFree: (HostCluster) -> Bool
  ) throws(ImageWriterError) -> UInt64 {
    let bits = inventory.geometry.clusterBits
    var last = end.index
    while last > 1, isFree(HostCluster(last - 1)) { last -= 1 }
    do throws(IOError) {
      let file = inventory.file
      if mayBeCommitted { try file.file.truncate(to: last << UInt64(bits)) }
      var next: UInt64 = 1
      while next < last {
        guard isFree(HostCluster(next)) else {
          next += 1
          continue
        }
        let start = next
        while next < last, isFree(HostCluster(next)) { next += 1 }
        let byteCount = (next - start) << UInt64(bits)
        if try !file.file.punchHole(at: start << UInt64(bits), byteCount: byteCount) { break }
      }
      return try file.file.size()
    } catch {
      throw .io(error)
    }
  }
}
