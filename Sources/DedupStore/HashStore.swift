// DedupStore remembers where the content of every cluster is that a conversion has written, in
// little memory. New entries go into a cuckoo table in RAM, the log store. When that is full it is
// frozen: written to disk as an incarnation, of which RAM keeps a filter of short tags, and the
// table only while it is one of the youngest. It follows the design that was proposed for QEMU in
// 2013 (log store and hash store, after SILT). The module knows nothing of qcow2;
// Documentation/HashStoreFormat.md describes what it writes.

internal import DiskIO

/// Finds the entry of a cluster by its digest, and keeps all but the newest entries on disk.
///
/// One thread at a time may use a store.
public final class HashStore {
  /// The sizes that follow from the order.
  public let geometry: StoreGeometry
  /// How many incarnations may be known at once; 0 is no limit (S17).
  public let maxIncarnations: UInt32
  /// The limit where no other is wanted.
  public static let defaultMaxIncarnations: UInt32 = 128
  /// How many bytes of frozen tables stay in RAM where nothing else is wanted: those of nearly a
  /// million clusters.
  public static let defaultKeptTableBytes = 32 << 20

  /// Of how many incarnations, the youngest, RAM may keep the tables: a hit there reads nothing.
  let keptTableLimit: Int
  /// Of how many it does.
  var keptTableCount = 0
  let storage: any StoreStorage
  let filters: TagFilters
  let writer: IncarnationWriter
  /// Holds the bucket that a lookup has read.
  let bucketBytes: ZeroedBuffer
  package var logStore: LogStore
  /// Oldest first, as their ranks in the ring of lanes count.
  var incarnations: [Incarnation] = []
  var limbo = Limbo()
  var counters = StoreStatistics()
  /// Loads the filters of a store that was opened; nil when that is done.
  var loader: FilterLoader?
  /// How many lanes, from lane 0 on, are not loaded yet.
  var unloadedLanes = 0
  /// The incarnations that are passed over.
  var problems: [StoreProblem] = []
  /// Whether the last freeze has been.
  var isClosed = false

  /// An empty store (S6).
  ///
  /// - Parameters:
  ///   - order: 1…31; an incarnation holds up to 4 · 2^order entries.
  ///   - maxIncarnations: How many incarnations may be known at once; 0 is no limit.
  ///   - storage: Where incarnations are kept.
  ///   - keptTableBytes: How much memory besides may go to tables that have been frozen: lookups
  ///     then need not read the youngest ones from the storage.
  /// - Throws: `StoreError.invalidOrder`, or `StoreError.memory` if the log store does not fit.
  public convenience init(
    order: Int, maxIncarnations: UInt32, storage: any StoreStorage, keptTableBytes: Int = 0
  ) throws(StoreError) {
    try self.init(
      order: order, maxIncarnations: maxIncarnations, storage: storage,
      keptTableBytes: keptTableBytes, hasSavedFilters: false)
  }

  /// A store to which incarnations may be added whose filters come from the storage.
  init(
    order: Int, maxIncarnations: UInt32, storage: any StoreStorage, keptTableBytes: Int,
    hasSavedFilters: Bool
  ) throws(StoreError) {
    geometry = try StoreGeometry(order: order)
    self.maxIncarnations = maxIncarnations
    keptTableLimit = keptTableBytes / SlotTable.byteCount(geometry)
    self.storage = storage
    filters = TagFilters(
      geometry: geometry, tagMask: hasSavedFilters ? geometry.mask : UInt64.max)
    writer = try IncarnationWriter(geometry: geometry, storage: storage)
    bucketBytes = try ZeroedBuffer(
      storeBytes: StoreGeometry.bucketBytes, purpose: "reading the hash store")
    logStore = try LogStore(geometry: geometry)
  }

  deinit { loader?.stop() }

  /// The number of incarnations that lookups search.
  public var incarnationCount: Int { incarnations.count }

  /// How many of the last entries the store remembers however many come, but for rare bad luck; nil
  /// without a limit.
  public var rememberedEntries: UInt64? {
    guard maxIncarnations != 0 else { return nil }
    let each = StoreGeometry.reliableEntries(order: geometry.order)
    let (entries, overflow) = each.multipliedReportingOverflow(by: UInt64(maxIncarnations))
    return overflow ? .max : entries
  }

  /// The number of spaces of forgotten incarnations that wait to be used again.
  public var limboCount: Int { limbo.count }

  /// The bytes of memory that the store may use: log store, filters, tables that are kept, and
  /// buffers.
  public var ramBytes: Int { ramBytesBesidesFilters + filters.ramBytes }

  /// The same without filters.
  var ramBytesBesidesFilters: Int {
    Self.ramBytes(geometry) + keptTableCount * SlotTable.byteCount(geometry)
  }

  /// The bytes of memory that a store with these sizes may use besides filters and kept tables.
  static func ramBytes(_ geometry: StoreGeometry) -> Int {
    LogStore.ramBytes(geometry) + IncarnationWriter.ramBytes + StoreGeometry.bucketBytes
  }

  /// Buckets looked at because a tag matched, although no digest in them did. O(1).
  package var falsePositives: UInt64 { counters.falsePositives }

  /// What the store has done so far; O(incarnations). An incarnation that was saved counts once it
  /// is loaded.
  public var statistics: StoreStatistics {
    noteLoaded()
    var result = counters
    let frozen = incarnations.reduce(0) { $0 + $1.entryCount }
    result.entries = UInt64(logStore.count + frozen)
    return result
  }

  /// The lists as they are to be saved (S21): whatever happened before, they are those in RAM.
  public var dump: StoreDump {
    StoreDump(
      order: UInt32(geometry.order), incarnations: incarnations.reversed().map(\.offset),
      limbo: limbo.offsets)
  }
}
