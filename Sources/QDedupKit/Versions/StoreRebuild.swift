internal import DedupStore
internal import DiskIO
internal import DiskImage
internal import QCOW2

/// Makes the hash store of a file again from the content of its versions, because the saved one is
/// missing, stale or damaged, or knows too much that is gone.
///
/// Each cluster of data is read once, in the order of the file, and gets one entry. Time: that of
/// reading all data.
struct StoreRebuild {
  private let opened: VersionsFile
  private let progress: Progress

  init(_ opened: VersionsFile, _ progress: Progress) {
    self.opened = opened
    self.progress = progress
  }

  /// A place that some version maps, and where the first one maps it.
  private struct Place {
    let mapping: ClusterMapping
    let guest: GuestOffset
  }

  /// An empty store for the clusters of these disks, and as many more (S9).
  func makeStore(
    for disks: [DiskTables], in storage: ContinuedStoreStorage, _ tuning: ConversionTuning
  ) throws(ConversionError) -> HashStore {
    let clusters = opened.inventory.dataClusterCount * 2
    return try converting(ConversionError.store) { () throws(StoreError) in
      try HashStore(
        order: max(14, StoreGeometry.order(forDataClusters: clusters)),
        maxIncarnations: HashStore.defaultMaxIncarnations, storage: storage,
        keptTableBytes: tuning.keptTableBytes)
    }
  }

  /// Enters all clusters of these disks.
  ///
  /// - Parameters:
  ///   - store: An empty store.
  ///   - disks: The disks that remain.
  /// - Throws: `ConversionError` if data cannot be read, or a freeze fails.
  func fill(_ store: HashStore, from disks: [DiskTables]) throws(ConversionError) {
    let places = try places(of: disks)
    let geometry = opened.inventory.geometry
    progress.begin(
      .rebuilding, totalBytes: UInt64(places.count) << UInt64(geometry.clusterBits))
    let clusters = try converting(ConversionError.image) { () throws(ImageError) in
      try MappedClusters(opened.inventory.metadata, opened.image)
    }
    for (index, place) in places.enumerated() {
      if index % 256 == 0 {
        if progress.isCancelled { throw .interrupted }
        progress.reach(UInt64(index) << UInt64(geometry.clusterBits))
      }
      let digest = try converting(ConversionError.image) { () throws(ImageError) in
        try clusters.withCluster(at: place.mapping) { $0.isAllZeros ? nil : Digest(of: $0) }
      }
      guard let digest else { continue }
      try converting(ConversionError.store) { () throws(StoreError) in
        if try store.lookup(digest) != nil { return }
        try store.insert(
          StoreEntry(
            digest: digest, physicalSector: place.mapping.physicalSector,
            firstLogicalSector: place.guest.bytes >> 9))
      }
    }
  }

  /// All places of data, each once, in the order of the file.
  private func places(of disks: [DiskTables]) throws(ConversionError) -> [Place] {
    let geometry = opened.inventory.geometry
    var found: [ClusterMapping: GuestOffset] = [:]
    do throws(IOError) {
      let walk = try TableWalk(opened.file, geometry)
      var known = Set<HostOffset>()
      for disk in disks {
        for (index, table) in try walk.l2Tables(of: disk).enumerated() {
          guard let table, known.insert(table).inserted else { continue }
          let first = UInt64(index) * UInt64(geometry.clusterSize / 8)
          try walk.forEachMapping(inTable: table) { slot, mapping in
            let guest = GuestOffset((first + UInt64(slot)) << UInt64(geometry.clusterBits))
            if found[mapping] == nil { found[mapping] = guest }
          }
        }
      }
    } catch {
      throw .io(error)
    }
    return found.map { Place(mapping: $0.key, guest: $0.value) }.sorted {
      let (a, b) = ($0.mapping.host(geometry), $1.mapping.host(geometry))
      return a == b ? $0.mapping.entry < $1.mapping.entry : a < b
    }
  }
}
