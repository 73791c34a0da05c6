internal import DedupStore
internal import DiskIO
internal import DiskImage
internal import QCOW2

/// The hash store of a file during a change: as it was saved, as it is used, as it will be saved.
///
/// It stays as it was unless a store is set in its place: the one that was opened, or a new one. A
/// store that says itself that it is not to be used, or is damaged, is not saved again.
final class ChangedStore {
  /// The saved store, if it may be used.
  let saved: SavedHashStore?
  /// Why there is none, for the report; nil if there is.
  private(set) var reason: String?
  /// The store in use, once there is one.
  var store: HashStore?

  /// What the saved store says of its sizes, also if it may not be used: the limit of incarnations,
  /// and the order.
  let savedSizes: (maxIncarnations: UInt32, order: Int)?

  /// How many entries it has.
  private let savedEntryCount: UInt64
  private let clusterSize: Int
  private var dumpOffset: StorageOffset?

  /// Looks at the store of a file. One that takes more memory than a file of its size on the disk may
  /// ask for is not used, and its sizes are not believed either.
  ///
  /// - Throws: `ConversionError` if the size of the file cannot be read.
  init(_ opened: VersionsFile) throws(ConversionError) {
    clusterSize = opened.inventory.geometry.clusterSize
    let found = SavedHashStore(of: opened.inventory.metadata, in: opened.image)
    let excess = try Self.excess(found?.dump, opened.image)
    saved = found.flatMap { $0.firstProblem == nil && excess == nil ? $0 : nil }
    savedSizes = found.flatMap { store in
      guard let header = store.header, let dump = store.dump, excess == nil else { return nil }
      return (header.maxIncarnations, Int(dump.order))
    }
    savedEntryCount =
      saved?.trailers.reduce(0) { $0 + ((try? $1.get().usedEntries) ?? 0) } ?? 0
    if saved != nil {
      reason = nil
    } else {
      reason = found.map { $0.firstProblem ?? excess ?? "it is damaged" } ?? "the file has none"
    }
  }

  /// Why a store takes too much memory; nil if it does not.
  private static func excess(
    _ dump: StoreDump?, _ file: ImageFile
  ) throws(ConversionError) -> String? {
    guard let dump else { return nil }
    let most = try converting(ConversionError.image) { () throws(ImageError) in
      try SavedHashStore.mostMemory(for: file)
    }
    let needed = try converting(ConversionError.store) { () throws(StoreError) in
      try HashStore.ramBytes(continuing: dump)
    }
    guard UInt64(needed) > most else { return nil }
    return """
      it takes \(needed) bytes of memory, and for a file of this size on the disk at most \(most) \
      are taken
      """
  }

  /// Opens the saved store to go on with it; its youngest incarnation goes on being filled.
  ///
  /// All filters are loaded before it is used: what is found must not depend on timing.
  ///
  /// - Parameter storage: The file.
  /// - Returns: The store; nil if it may not be used, or an incarnation is damaged.
  /// - Throws: `ConversionError` if there is not enough memory, or no thread.
  func open(_ storage: ContinuedStoreStorage) throws(ConversionError) -> HashStore? {
    guard let dump = saved?.dump, let limit = saved?.header?.maxIncarnations else { return nil }
    let store = try converting(ConversionError.store) { () throws(StoreError) in
      try HashStore(
        opening: dump, maxIncarnations: limit, storage: storage, keepsForgotten: true)
    }
    store.waitUntilLoaded()
    if let problem = store.openingProblems.first {
      reason = "\(problem)"
      return nil
    }
    try converting(ConversionError.store) { () throws(StoreError) in try store.thawYoungest() }
    return store
  }

  /// How many entries the saved store takes before it forgets old ones; nil if it has no limit, or
  /// another than the default one: that was chosen, and goes on to hold.
  var room: UInt64? {
    guard let dump = saved?.dump, saved?.header?.maxIncarnations == HashStore.defaultMaxIncarnations
    else { return nil }
    // The youngest goes on being filled; how much it takes still does not matter here.
    let left = max(0, Int(HashStore.defaultMaxIncarnations) - dump.incarnations.count)
    return UInt64(left) * StoreGeometry.reliableEntries(order: Int(dump.order))
  }

  /// Moves the saved entries into a new store, of the order that they and those to come ask for (S9).
  /// No data is read.
  ///
  /// - Parameters:
  ///   - storage: The file.
  ///   - count: How many entries may come.
  /// - Returns: The store; nil if the saved one is large enough, or may not be used.
  /// - Throws: `ConversionError` if the store cannot be read or written, or takes too much memory.
  func enlarged(
    _ storage: ContinuedStoreStorage, for count: UInt64
  ) throws(ConversionError) -> HashStore? {
    guard let dump = saved?.dump, let limit = saved?.header?.maxIncarnations else { return nil }
    let order = max(14, StoreGeometry.order(forDataClusters: savedEntryCount + count))
    guard order > Int(dump.order) else { return nil }
    return try converting(ConversionError.store) { () throws(StoreError) in
      let entries = try SavedEntries(dump, in: storage)
      let new = try HashStore(order: order, maxIncarnations: limit, storage: storage)
      try entries.forEach { (entry) throws(StoreError) in try new.insert(entry) }
      return new
    }
  }

  /// Makes a new store of the saved entries that are still good, if more than a quarter is not: those
  /// whose clusters hold no data any more. No data is read.
  ///
  /// - Parameters:
  ///   - storage: The file.
  ///   - isGood: Whether the place of an entry holds data once the change is done.
  /// - Returns: How many entries went; nil if the store stays as it is.
  /// - Throws: `ConversionError` if the store cannot be read or written.
  func dropStaleEntries(
    _ storage: ContinuedStoreStorage, isGood: (StoreEntry) -> Bool
  ) throws(ConversionError) -> UInt64? {
    guard let dump = saved?.dump, let limit = saved?.header?.maxIncarnations else { return nil }
    return try converting(ConversionError.store) { () throws(StoreError) -> UInt64? in
      let entries = try SavedEntries(dump, in: storage)
      var (total, stale): (UInt64, UInt64) = (0, 0)
      try entries.forEach { (entry) throws(StoreError) in
        total += 1
        if !isGood(entry) { stale += 1 }
      }
      guard stale > total / 4 else { return nil }
      let new = try HashStore(
        order: Int(dump.order), maxIncarnations: limit, storage: storage)
      try entries.forEach { (entry) throws(StoreError) in
        if isGood(entry) { try new.insert(entry) }
      }
      try new.finish(isLast: true)
      store = new
      return stale
    }
  }

  /// What the saved store takes in the file; nothing, if it may not be used.
  var savedRegions: [Range<HostOffset>] {
    guard let saved, let dump = saved.dump else { return [] }
    return StoreRegions(dump, at: saved.header?.dumpOffset, clusterSize: clusterSize).ranges
  }

  /// What the store takes that has been saved by `save`.
  var newRegions: [Range<HostOffset>] {
    guard let dump = store?.dump ?? saved?.dump else { return [] }
    return StoreRegions(dump, at: dumpOffset, clusterSize: clusterSize).ranges
  }

  /// Writes the lists to clusters of their own, so that the header stays within a sector.
  ///
  /// - Returns: The header extension; nil if there is no store to save.
  /// - Throws: `ConversionError`.
  func save(through writer: ImageWriter) throws(ConversionError) -> HeaderExtension? {
    guard let dump = store?.dump ?? saved?.dump,
      let limit = store?.maxIncarnations ?? saved?.header?.maxIncarnations
    else { return nil }
    if store == nil, let offset = saved?.header?.dumpOffset {
      dumpOffset = offset
    } else {
      let clusters = writer.geometry.clusterCount(forBytes: UInt64(dump.byteCount))
      let host = try converting(ConversionError.writer) { () throws(ImageWriterError) in
        try writer.allocate(clusters: clusters)
      }
      try converting(ConversionError.io) { () throws(IOError) in
        try writer.file.file.write(dump.serialized, at: host.bytes)
      }
      dumpOffset = StorageOffset(host.bytes)
    }
    let header = StoreHeader(dump: dump, dumpOffset: dumpOffset, maxIncarnations: limit)
    return HeaderExtension(type: StoreHeader.extensionType, data: header.serialized)
  }
}
