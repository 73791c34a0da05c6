internal import DedupStore
package import DiskImage
package import QCOW2

/// How large the file of a conversion becomes, as a pure function of what it holds.
///
/// All that is not guest data follows from counts exactly, by the same code that lays files out: the
/// header, the L1 table (`ImageLimits`), L2 tables, the hash store (`StoreGeometry`, `StoreHeader`)
/// and the refcounts, which count themselves (`RefcountArea.Size`). Of plain clusters that is all, but
/// for the few that get a copy because they must not be at their own place (Documentation/Design.md).
/// Compressed clusters lie one after the other, and skip what is left of a host cluster only where
/// an L2 table or an incarnation has come between, if the next one does not fit there; such a gap is
/// taken to be half a compressed cluster.
package struct PredictedFile: Equatable {
  /// What a file holds.
  package struct Content: Equatable {
    /// The size of the disk in bytes.
    package var virtualSize: UInt64
    /// Clusters with something other than zeros.
    package var dataClusters: UInt64
    /// Distinct ones among them, which are stored.
    package var uniqueClusters: UInt64
    /// L2 tables that map any data.
    package var l2Tables: UInt64
    /// The bytes that the stored clusters take when they are compressed; nil in a plain image.
    package var compressedBytes: UInt64?
    /// How compressed clusters are compressed.
    package var method: Compression.Method?
    /// How often the most frequent cluster occurs.
    package var highestReferences: UInt32
    /// Whether the file carries the hash store.
    package var keepsHashStore: Bool
    /// The least share of its slots at which a log store is frozen: 0.975 is usual, 0.75 certain.
    package var freezeLoad = 0.975

    /// All of it.
    package init(
      virtualSize: UInt64, dataClusters: UInt64, uniqueClusters: UInt64, l2Tables: UInt64,
      compressedBytes: UInt64? = nil, method: Compression.Method? = nil,
      highestReferences: UInt32 = 1, keepsHashStore: Bool = true
    ) {
      self.virtualSize = virtualSize
      self.dataClusters = dataClusters
      self.uniqueClusters = uniqueClusters
      self.l2Tables = l2Tables
      self.compressedBytes = compressedBytes
      self.method = method
      self.highestReferences = highestReferences
      self.keepsHashStore = keepsHashStore
    }
  }

  /// Clusters of guest data.
  package let dataClusters: UInt64
  /// Clusters of the L1 table and the L2 tables.
  package let tableClusters: UInt64
  /// Clusters of the hash store: incarnations, and their lists if the header has no room for them.
  package let storeClusters: UInt64
  /// Clusters of refcount blocks and the refcount table.
  package let refcountClusters: UInt64
  private let geometry: ClusterGeometry

  /// The size of the file in bytes.
  package var byteCount: UInt64 {
    (1 + dataClusters + tableClusters + storeClusters + refcountClusters)
      << UInt64(
        geometry.clusterBits)
  }

  /// The file for some content in clusters of one size.
  package init(_ content: Content, _ geometry: ClusterGeometry) {
    self.geometry = geometry
    let limits = ImageLimits(geometry)
    let l1 = limits.l1EntryCount(forVirtualSize: content.virtualSize)
    tableClusters = geometry.clusterCount(forBytes: l1 * 8) + content.l2Tables
    let store = content.keepsHashStore ? PredictedStore(content) : nil
    storeClusters = store?.clusters(content, geometry) ?? 0
    if let bytes = content.compressedBytes, content.uniqueClusters > 0 {
      let gaps = content.l2Tables + (store?.regions ?? 0)
      let gap = min(bytes / content.uniqueClusters, UInt64(geometry.clusterSize)) / 2
      dataClusters = geometry.clusterCount(forBytes: bytes + gaps * gap)
    } else {
      dataClusters = content.uniqueClusters
    }
    let refcounts = RefcountArea.Size(
      after: 1 + dataClusters + tableClusters + storeClusters,
      clusterSize: geometry.clusterSize, width: RefcountWidth(forHighest: content.highestReferences)
    )
    refcountClusters = refcounts.blocks + refcounts.tableClusters
  }

  /// The most that a file can take for this content, whatever the data is like.
  ///
  /// Nothing is shared, nothing gets smaller by compression, log stores are frozen as early as they
  /// may be, refcounts are wide, and all the clusters stay free that may, because plain data must not
  /// be at its own place.
  package static func upperBound(
    _ content: Content, _ geometry: ClusterGeometry
  ) -> PredictedFile {
    var most = content
    most.uniqueClusters = content.dataClusters
    most.highestReferences = RefcountWidth.highest
    most.freezeLoad = 0.75
    if content.compressedBytes != nil {
      let bound = UInt64(Compression.bound(clusterSize: geometry.clusterSize))
      // Gaps are larger than what is foreseen at the most by as much as a cluster each.
      let gaps = content.l2Tables + 2 * PredictedStore(most).regions
      most.compressedBytes = content.dataClusters * bound + gaps * bound
    } else {
      // A place is left free only where data would catch up with it over a cluster of zeros.
      let places = ImageWriter.signatureArea >> UInt64(geometry.clusterBits)
      let all = geometry.clusterCount(forBytes: content.virtualSize)
      let zeros = all - min(all, content.dataClusters)
      most.uniqueClusters += min(content.dataClusters, places, zeros + 1)
    }
    return PredictedFile(most, geometry)
  }
}

/// How many incarnations a conversion writes at its defaults, and of which order (S9, S10, S18).
struct PredictedStore: Equatable {
  /// The order of the incarnations.
  let order: Int
  /// How many there are in the end.
  let incarnations: UInt64
  /// How many areas they have taken: one more than the limit once any is forgotten.
  let regions: UInt64

  init(_ content: PredictedFile.Content) {
    let first = max(14, StoreGeometry.order(forDataClusters: content.dataClusters))
    let full = UInt64(
      Double(UInt64(StoreGeometry.slotsPerBucket) << UInt64(first)) * content.freezeLoad)
    let entries = content.uniqueClusters
    if entries <= full {
      // Nothing was frozen on the way, so the store is laid out again as small as it can be.
      order = min(first, StoreGeometry.order(forDataClusters: entries))
      incarnations = entries == 0 ? 0 : 1
      regions = incarnations
      return
    }
    let limit = UInt64(HashStore.defaultMaxIncarnations)
    let freezes = entries / full + (entries % full == 0 ? 0 : 1)
    order = first
    incarnations = min(freezes, limit)
    regions = min(freezes, limit + 1)
  }

  /// The clusters that the store takes in a file.
  func clusters(_ content: PredictedFile.Content, _ geometry: ClusterGeometry) -> UInt64 {
    guard let store = try? StoreGeometry(order: order) else { return 0 }
    let each = geometry.clusterCount(forBytes: UInt64(store.incarnationBytes))
    let dump = StoreDump(
      order: UInt32(order),
      incarnations: Array(repeating: StorageOffset(0), count: Int(incarnations)),
      limbo: Array(repeating: StorageOffset(0), count: Int(regions - incarnations)))
    let features = (content.method?.features ?? []) + [StoreInImage.feature]
    let room = ImageWriter.roomForExtension(besides: features, geometry)
    let isInline = StoreHeader.fixedBytes + dump.byteCount <= room
    return regions * each
      + (isInline ? 0 : geometry.clusterCount(forBytes: UInt64(dump.byteCount)))
  }
}
