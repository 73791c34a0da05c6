internal import DedupStore
internal import DiskIO
internal import DiskImage
internal import QCOW2

/// Makes the hash store of a file again from the content of its versions, because the saved one is
/// missing, stale or damaged.
///
/// Each cluster of data is read once, in the order of the file, and gets one entry. Time: that of
/// reading all data, and all tables once for each quarter of a million of clusters. Memory: 12 MiB
/// for places, and what the store takes.
struct StoreRebuild {
  private let opened: VersionsFile
  private let progress: Progress

  init(_ opened: VersionsFile, _ progress: Progress) {
    self.opened = opened
    self.progress = progress
  }

  /// An empty store for the clusters of the file, and as many more (S9).
  ///
  /// - Parameters:
  ///   - sizes: What the saved store says of its sizes. Its limit of incarnations goes on to hold, and
  ///     its order if that is enough.
  ///   - storage: The file.
  /// - Returns: The store.
  /// - Throws: `ConversionError.store` if there is not enough memory.
  func makeStore(
    savedSizes sizes: (maxIncarnations: UInt32, order: Int)?, in storage: ContinuedStoreStorage
  ) throws(ConversionError) -> HashStore {
    let needed = StoreGeometry.order(forDataClusters: opened.inventory.dataClusterCount * 2)
    return try converting(ConversionError.store) { () throws(StoreError) in
      try HashStore(
        order: sizes.map { max($0.order, needed) } ?? max(14, needed),
        maxIncarnations: sizes?.maxIncarnations ?? HashStore.defaultMaxIncarnations,
        storage: storage)
    }
  }

  /// Enters all clusters of these disks.
  ///
  /// - Parameters:
  ///   - store: An empty store.
  ///   - disks: The disks that remain.
  /// - Throws: `ConversionError` if data cannot be read, or a freeze fails.
  func fill(_ store: HashStore, from disks: [DiskTables]) throws(ConversionError) {
    let (inventory, bits) = (opened.inventory, UInt64(opened.inventory.geometry.clusterBits))
    progress.begin(.rebuilding, totalBytes: inventory.dataClusterCount << bits)
    let clusters = try converting(ConversionError.image) { () throws(ImageError) in
      try MappedClusters(inventory.metadata, opened.image)
    }
    var places = MappedPlaces(inventory.geometry)
    var done: UInt64 = 0
    repeat {
      try converting(ConversionError.io) { () throws(IOError) in
        try places.gather(from: disks, of: opened.file)
      }
      for place in places.sorted {
        done += 1
        if done % 256 == 0 {
          if progress.isCancelled { throw .interrupted }
          progress.reach(done << bits)
        }
        try enter(place, store, clusters)
      }
    } while places.advance()
  }

  /// Enters one cluster.
  private func enter(
    _ place: MappedPlaces.Place, _ store: HashStore, _ clusters: MappedClusters
  ) throws(ConversionError) {
    let digest = try converting(ConversionError.image) { () throws(ImageError) in
      try clusters.withCluster(at: place.mapping) { $0.isAllZeros ? nil : Digest(of: $0) }
    }
    guard let digest else { return }
    try converting(ConversionError.store) { () throws(StoreError) in
      if try store.lookup(digest) != nil { return }
      try store.insert(
        StoreEntry(
          digest: digest, physicalSector: place.mapping.physicalSector,
          firstLogicalSector: place.guestCluster
            << UInt64(opened.inventory.geometry.clusterBits - 9)))
    }
  }
}
