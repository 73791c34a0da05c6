// DedupStore remembers where the content of every cluster is that a conversion has written, in
// little memory. It follows the design that was proposed for QEMU in 2013 (log store and hash store,
// after SILT). The module knows nothing of qcow2. Documentation/StoreBehaviour.md says what it does,
// row by row (S1–S34), and Documentation/HashStoreFormat.md what it writes.
//
// Its rooms: `Format/`, entries, sizes and the bytes on disk; `LogStore/`, the table in RAM that takes
// new entries; `Frozen/`, what was frozen, on disk, with its filters in RAM; and `HashStore` on top.

/// Finds the entry of a cluster by its digest, and keeps all but the newest entries on disk.
///
/// New entries go into the log store, a cuckoo table in RAM. When that is full it is frozen: written
/// to the storage as an incarnation, of which RAM keeps a filter of short tags, and the table only
/// while it is one of the youngest. A lookup reads the log store, then asks the frozen store, which
/// asks its filters and reads a bucket only where a tag matches. When there are more incarnations
/// than may be known, the oldest is forgotten.
///
/// An entry is a hint, never a promise (S34): it may have been forgotten, left out because a table
/// had no slot for it (S7), or name data that has changed since. The caller compares bytes before
/// anything is shared, and a miss only costs a second copy.
///
/// States: a new or opened store takes lookups and entries; after `finish(isLast: true)` only its
/// dump, statistics and sizes. Between any two calls the dump is what RAM knows (S21).
///
/// Threads: one at a time may use it. A store that was opened loads its filters on a thread of its
/// own, which is not seen outside.
///
/// Cost: 128 bytes times 2^order for the log store, 64 bytes times 2^order for the filters of each
/// eight incarnations. A lookup reads two buckets of the log store; a miss then two cache lines for
/// each eight incarnations, all asked for at once. An insert is cheap but for the freeze that every
/// few ten thousand of them cost.
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

  private let storage: any StoreStorage
  private let logStore: LogStore
  /// What the log store had no slot for.
  private var leftOut: LeftOutEntries
  /// Whether there may be any. A flag of its own, because asking `leftOut` costs every lookup a check
  /// for overlapping accesses.
  private var hasLeftOut = false
  private let frozen: FrozenStore
  /// What the log store and the calls count; the frozen store counts the rest.
  private var counters = StoreStatistics()
  /// Whether the last freeze has been.
  private var isClosed = false

  /// An empty store (S6).
  ///
  /// - Parameters:
  ///   - order: 1…31; an incarnation holds up to 4 · 2^order entries.
  ///   - maxIncarnations: How many incarnations may be known at once; 0 is no limit.
  ///   - storage: Where incarnations are kept.
  ///   - keptTableBytes: How much memory besides may go to tables that have been frozen: lookups
  ///     then need not read the youngest ones from the storage.
  /// - Throws: `StoreError.invalidOrder`, or `StoreError.memory` if the log store does not fit.
  public init(
    order: Int, maxIncarnations: UInt32, storage: any StoreStorage, keptTableBytes: Int = 0
  ) throws(StoreError) {
    geometry = try StoreGeometry(order: order)
    self.maxIncarnations = maxIncarnations
    self.storage = storage
    frozen = try FrozenStore(
      geometry, maxIncarnations: maxIncarnations, storage: storage,
      keptTableBytes: keptTableBytes)
    logStore = try LogStore(geometry: geometry)
    leftOut = LeftOutEntries(geometry)
  }

  /// Opens a saved store. Its incarnations are known at once; their filters load in the background,
  /// youngest first (S28).
  ///
  /// The caller has made sure that the store may be used at all. Lookups work from the start, and do
  /// not find what is not loaded yet (S27). An incarnation that cannot be read or is damaged is
  /// skipped, and is then in `openingProblems`. The first freeze waits until all is loaded.
  ///
  /// - Parameters:
  ///   - dump: The lists of the store.
  ///   - maxIncarnations: How many incarnations may be known at once; 0 is no limit.
  ///   - storage: What holds the incarnations. It is read from two threads.
  ///   - keepsForgotten: Whether the space of what is forgotten stays as it is until the store is
  ///     opened the next time, because the saved lists name it until then.
  /// - Throws: `StoreError.invalidOrder`, or another if there is not enough memory, or no thread.
  public init(
    opening dump: StoreDump, maxIncarnations: UInt32, storage: any StoreStorage & Sendable,
    keepsForgotten: Bool = false
  ) throws(StoreError) {
    geometry = try StoreGeometry(order: Int(dump.order))
    self.maxIncarnations = maxIncarnations
    self.storage = storage
    logStore = try LogStore(geometry: geometry)
    leftOut = LeftOutEntries(geometry)
    frozen = try FrozenStore(
      geometry, opening: dump, maxIncarnations: maxIncarnations, storage: storage,
      keepsForgotten: keepsForgotten)
  }

  // MARK: Lookup

  /// Looks for an entry with this digest: in the log store, then from the youngest incarnation to
  /// the oldest (S22).
  ///
  /// A miss reads nothing from the storage unless a tag happens to match.
  ///
  /// - Parameter digest: The digest of a cluster.
  /// - Returns: The first entry that has it, or nil; a miss is no error (S25).
  /// - Throws: `StoreError.io` if a bucket cannot be read.
  public func lookup(_ digest: Digest) throws(StoreError) -> StoreHit? {
    counters.lookups += 1
    if let entry = logStore.lookup(digest) {
      counters.logStoreHits += 1
      return StoreHit(entry: entry, origin: .logStore)
    }
    if hasLeftOut, let entry = leftOut.lookup(digest) {
      counters.logStoreHits += 1
      return StoreHit(entry: entry, origin: .logStore)
    }
    return try frozen.lookup(digest)
  }

  /// Says that this digest will be looked up soon, so that the memory it needs is near by then.
  ///
  /// It changes no result. Some three lookups ahead is best: over many incarnations a lookup waits
  /// for little else than memory, and so the waiting overlaps.
  ///
  /// - Parameter digest: The digest of one of the next clusters.
  public func prefetch(_ digest: Digest) {
    logStore.prefetch(digest)
    frozen.prefetch(digest)
  }

  // MARK: Change

  /// Stores a new entry; when the log store is full it is frozen first (S7, S10).
  ///
  /// An entry of the log store with the same digest is replaced; one that is frozen is hidden by
  /// the new one, because lookups go from young to old. An entry for which there is no slot although
  /// the log store is not full is left out of what is saved, and counted (`entriesLeftOut`); as long
  /// as this store is in use it is found all the same, up to a bound (`LeftOutEntries`).
  ///
  /// - Parameter entry: The entry, whose physical sector must not be 0.
  /// - Throws: `StoreError.emptyEntry`, or what made the freeze fail. The entry is not stored then,
  ///   all others still are, and the call may be repeated.
  public func insert(_ entry: StoreEntry) throws(StoreError) {
    guard !entry.isEmpty else { throw .emptyEntry(entry) }
    // An empty log store takes any entry, so this freezes once at most.
    while !logStore.insert(entry) {
      guard logStore.isDue else {
        leftOut.insert(entry)
        hasLeftOut = true
        counters.entriesLeftOut += 1
        return
      }
      try freeze(isLast: false)
    }
    if hasLeftOut { leftOut.drop(entry.digest) }
    counters.insertions += 1
  }

  /// Takes the entries of the youngest incarnation back into the log store, which must be empty, if
  /// it has many free slots. A store that is continued often stays as full as one that was filled in
  /// one go.
  ///
  /// - Throws: `StoreError.io` if the incarnation cannot be read.
  public func thawYoungest() throws(StoreError) {
    try frozen.thawYoungest(into: logStore)
  }

  /// Drops an entry, so that the next cluster with its digest is a new physical copy (S8, S33).
  ///
  /// Where the entry is frozen, RAM remembers that lookups skip it, for as long as the incarnation
  /// is known; on disk it stays.
  ///
  /// - Parameter entry: The entry, all of whose fields must be as a lookup gave them.
  /// - Returns: Whether there was such an entry.
  /// - Throws: `StoreError.io` if a bucket cannot be read.
  @discardableResult
  public func remove(_ entry: StoreEntry) throws(StoreError) -> Bool {
    if !logStore.remove(entry) && !leftOut.remove(entry) {
      guard try frozen.remove(entry) else { return false }
    }
    counters.removals += 1
    return true
  }

  /// Forgets everything: the log store is emptied, and the space of every incarnation becomes
  /// limbo, that of the youngest the newest (S20).
  public func forgetAll() {
    frozen.forgetAll()
    logStore.reset()
    leftOut.removeAll()
    hasLeftOut = false
  }

  /// Freezes the log store if it holds anything, so that what is saved knows every entry (S10).
  ///
  /// - Parameter isLast: Whether only `dump`, `statistics` and sizes are asked for from now on. The
  ///   last incarnation then gets no filter in RAM, and the store takes nothing more.
  /// - Throws: What made the freeze fail; the log store still holds its entries then.
  public func finish(isLast: Bool = false) throws(StoreError) {
    if logStore.count > 0 { try freeze(isLast: isLast) }
    isClosed = isLast
  }

  private func freeze(isLast: Bool) throws(StoreError) {
    precondition(!isClosed, "a store was used after its last freeze")
    try frozen.freeze(logStore, isLast: isLast)
  }

  // MARK: Compact

  /// A store of the smallest order that holds the same entries, as long as none has been frozen;
  /// else, or if there is no smaller one within the memory, this store itself.
  ///
  /// What is saved of a small image then depends on its content alone, not on what was known of its
  /// size before (S9), and no incarnation is mostly empty. Call it before `finish`.
  ///
  /// Entries of random digests find their slots in the smallest order or, rarely, in the next one.
  /// Entries that were chosen to share buckets may do so in every smaller order: then the smallest
  /// one takes what it can, and the others are left out and counted (S7).
  ///
  /// - Parameter memory: What both stores and the entries between them may take together, in bytes.
  /// - Returns: The store to go on with. If it is another one, this one is not to be used any more.
  /// - Throws: `StoreError.memory`.
  /// - Complexity: O(n log n) for n entries.
  public func compacted(within memory: UInt64 = .max) throws(StoreError) -> HashStore {
    guard frozen.isUnused else { return self }
    let smallest = StoreGeometry.order(forDataClusters: UInt64(logStore.count))
    guard smallest < geometry.order else { return self }
    let inUse = ramBytes + logStore.count * Self.bytesToMoveAnEntry
    func fits(_ order: Int) throws(StoreError) -> Bool {
      UInt64(inUse + Self.ramBytes(try StoreGeometry(order: order))) <= memory
    }
    guard try fits(smallest) else { return self }
    let entries = entriesInOrder()
    for order in smallest..<min(smallest + Self.ordersToTry, geometry.order)
    where try fits(order) {
      if let store = try moved(entries, to: order, leavesOut: false) { return store }
    }
    return try moved(entries, to: smallest, leavesOut: true) ?? self
  }

  /// A store of another order that holds these entries; nil if one has no slot and may not be left
  /// out.
  private func moved(
    _ entries: [StoreEntry], to order: Int, leavesOut: Bool
  ) throws(StoreError) -> HashStore? {
    let store = try HashStore(order: order, maxIncarnations: maxIncarnations, storage: storage)
    store.counters = counters
    store.leftOut = leftOut
    store.hasLeftOut = hasLeftOut
    for entry in entries where !store.logStore.insert(entry) {
      if !leavesOut { return nil }
      store.leftOut.insert(entry)
      store.hasLeftOut = true
      store.counters.entriesLeftOut += 1
    }
    return store
  }

  /// The entries of the log store in the order of the clusters that had them first, which does not
  /// depend on the order of the table.
  private func entriesInOrder() -> [StoreEntry] {
    var entries: [StoreEntry] = []
    entries.reserveCapacity(logStore.count)
    for entry in logStore.allSlots where !entry.isEmpty { entries.append(entry) }
    entries.sort { $0.firstLogicalSector < $1.firstLogicalSector }
    return entries
  }

  /// How many orders are tried before entries are left out: with random digests each takes what the
  /// one before did not, but once in a thousand times at most.
  private static let ordersToTry = 3
  /// An entry, and as much again to sort it.
  private static let bytesToMoveAnEntry = 2 * MemoryLayout<StoreEntry>.stride

  // MARK: Opening

  /// How much memory the filters of a saved store take when it is opened.
  ///
  /// - Parameter dump: The lists of the store.
  /// - Returns: The bytes, as `ramBytes` counts them.
  /// - Throws: `StoreError.invalidOrder`.
  public static func filterBytes(opening dump: StoreDump) throws(StoreError) -> Int {
    let groups = (dump.incarnations.count + TagLine.lanes - 1) / TagLine.lanes
    return groups * TagPanels.groupBytes(try StoreGeometry(order: Int(dump.order)))
  }

  /// How much memory a saved store takes if entries are added to it: its filters and the log store.
  ///
  /// - Parameter dump: The lists of the store.
  /// - Returns: The bytes, as `ramBytes` counts them.
  /// - Throws: `StoreError.invalidOrder`.
  public static func ramBytes(continuing dump: StoreDump) throws(StoreError) -> Int {
    try filterBytes(opening: dump) + ramBytes(try StoreGeometry(order: Int(dump.order)))
  }

  /// Waits until the filters of a store that was opened are all loaded.
  public func waitUntilLoaded() { frozen.waitUntilLoaded() }

  /// The incarnations of a store that was opened that are skipped, as far as is known yet.
  public var openingProblems: [StoreProblem] { frozen.openingProblems }

  // MARK: Figures

  /// The number of incarnations that lookups search.
  public var incarnationCount: Int { frozen.count }

  /// The number of spaces of forgotten incarnations that wait to be used again.
  public var limboCount: Int { frozen.limboCount }

  /// How many of the last entries the store remembers however many come, but for rare bad luck; nil
  /// without a limit.
  public var rememberedEntries: UInt64? {
    guard maxIncarnations != 0 else { return nil }
    let each = StoreGeometry.reliableEntries(order: geometry.order)
    let (entries, overflow) = each.multipliedReportingOverflow(by: UInt64(maxIncarnations))
    return overflow ? .max : entries
  }

  /// The bytes of memory that the store may use: log store, what was left out of it, filters, tables
  /// that are kept, and buffers.
  public var ramBytes: Int { LogStore.ramBytes(geometry) + leftOut.ramBytes + frozen.ramBytes }

  /// The bytes of memory that a store with these sizes may use besides filters and kept tables.
  static func ramBytes(_ geometry: StoreGeometry) -> Int {
    LogStore.ramBytes(geometry) + FrozenStore.bufferBytes
  }

  /// Buckets looked at because a tag matched, although no digest in them did. O(1).
  package var falsePositives: UInt64 { frozen.falsePositives }

  /// What the store has done so far; O(incarnations). An incarnation that was saved counts once it
  /// is loaded.
  public var statistics: StoreStatistics {
    var result = frozen.statistics
    result.entries += UInt64(logStore.count)
    result.lookups = counters.lookups
    result.logStoreHits = counters.logStoreHits
    result.insertions = counters.insertions
    result.entriesLeftOut = counters.entriesLeftOut
    result.removals = counters.removals
    return result
  }

  /// The lists as they are to be saved (S21): whatever happened before, they are those in RAM.
  public var dump: StoreDump { frozen.dump }

  /// Checks what must hold between any two calls before the last freeze; O(slots of the log store).
  ///
  /// - Throws: `BrokenInvariant`.
  package func checkInvariants() throws(BrokenInvariant) {
    try logStore.checkInvariants()
    try frozen.checkInvariants()
  }
}
