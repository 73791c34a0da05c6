internal import DiskIO

/// All incarnations of a store: what was frozen, on disk, and what RAM keeps to find it again.
///
/// An incarnation is a log store as it was when it was frozen. On disk it is a filter area, a table
/// area and a trailer, and never changes again. RAM keeps of each where it is (`Incarnation`), its
/// filter (`TagFilters`), and of the youngest ones the table itself, as far as memory was given for
/// it: a hit there reads nothing. When more incarnations are frozen than may be known, the oldest is
/// forgotten, and its space waits in limbo for the next one (S15–S19). So a store at its limit takes
/// max + 1 regions in turn.
///
/// A lookup asks the filters for buckets in which the digest may be, from the youngest incarnation to
/// the oldest, reads each of them, and compares whole digests (S22–S25). An incarnation's index in
/// `incarnations` is its age rank, which is how the filters name it.
///
/// What may be stale: an entry that was removed is still on disk; RAM remembers its slot as long as
/// the incarnation is known (S33). What the entries say of the image is a hint in any case (S34).
///
/// States: a new one is empty. One that was opened knows its incarnations at once, but filters come
/// in from a loader's thread, youngest first; until they are there, lookups do not find what they
/// would say (S27, S28). The first freeze, and `forgetAll`, wait for them. After the last freeze
/// nothing is looked up any more.
///
/// Threads: one at a time may use it, besides the loader's own. Cost: a miss is O(incarnations / 8)
/// and reads nothing but for a tag that matches by chance, once in 70 misses over 128 incarnations; a
/// hit reads one bucket, or nothing where the table is kept. A freeze writes a whole incarnation.
final class FrozenStore {
  private let geometry: StoreGeometry
  private let maxIncarnations: UInt32
  private let storage: any StoreStorage
  private let filters: TagFilters
  private let writer: IncarnationWriter
  private let reader: BucketReader
  /// Oldest first.
  private var incarnations: [Incarnation] = []
  private var limbo = Limbo()
  private var keptTables: KeptTables
  /// The filters of a store that was opened come in.
  private let loading = FilterLoading()
  private var counters = StoreStatistics()

  /// No incarnations (S6).
  ///
  /// - Parameters:
  ///   - geometry: The sizes of the store.
  ///   - maxIncarnations: How many incarnations may be known at once; 0 is no limit.
  ///   - storage: Where they are kept.
  ///   - keptTableBytes: How much memory may go to their tables.
  ///   - hasSavedFilters: Whether filters may come from the storage.
  /// - Throws: `StoreError.memory`.
  private init(
    _ geometry: StoreGeometry, maxIncarnations: UInt32, storage: any StoreStorage,
    keptTableBytes: Int, hasSavedFilters: Bool
  ) throws(StoreError) {
    self.geometry = geometry
    self.maxIncarnations = maxIncarnations
    self.storage = storage
    keptTables = KeptTables(geometry, byteCount: keptTableBytes)
    filters = TagFilters(
      geometry: geometry, tagMask: hasSavedFilters ? geometry.mask : UInt64.max)
    writer = try IncarnationWriter(geometry: geometry, storage: storage)
    reader = try BucketReader(geometry: geometry, storage: storage)
  }

  /// No incarnations (S6); the parameters are those of a `HashStore`.
  convenience init(
    _ geometry: StoreGeometry, maxIncarnations: UInt32, storage: any StoreStorage,
    keptTableBytes: Int
  ) throws(StoreError) {
    try self.init(
      geometry, maxIncarnations: maxIncarnations, storage: storage,
      keptTableBytes: keptTableBytes, hasSavedFilters: false)
  }

  /// The incarnations of a saved store, whose filters begin to load (S28); the parameters are those
  /// of a `HashStore`.
  convenience init(
    _ geometry: StoreGeometry, opening dump: StoreDump, maxIncarnations: UInt32,
    storage: any StoreStorage & Sendable, keepsForgotten: Bool
  ) throws(StoreError) {
    try self.init(
      geometry, maxIncarnations: maxIncarnations, storage: storage, keptTableBytes: 0,
      hasSavedFilters: true)
    limbo = Limbo(dump.limbo, keepsForgotten: keepsForgotten)
    incarnations = dump.incarnations.reversed().map {
      Incarnation(offset: $0, sequence: 0, used: 0)
    }
    let places = try filters.addEmptyLanes(incarnations.count, besides: ramBytesBesidesFilters)
    loading.begin(
      try FilterLoader(
        places, geometry: geometry, offsets: incarnations.map(\.offset), storage: storage),
      lanes: incarnations.count)
  }

  deinit { loading.stop() }

  // MARK: Lookup

  /// Looks for a digest, in the youngest incarnation first (S22).
  ///
  /// - Throws: `StoreError.io` if a bucket cannot be read.
  @inline(__always)
  func lookup(_ digest: Digest) throws(StoreError) -> StoreHit? {
    guard let found = try find(digest, exactly: nil) else { return nil }
    counters.incarnationHits += 1
    let sequence = incarnations[found.rank].sequence
    return StoreHit(entry: found.entry, origin: .incarnation(sequence: sequence))
  }

  /// Asks the processor to load what a lookup of this digest compares.
  @inline(__always)
  func prefetch(_ digest: Digest) { filters.prefetch(digest) }

  /// Removes an entry: lookups skip it from now on; on disk it stays (S33).
  ///
  /// - Parameter entry: The entry, all of whose fields must be as they are stored.
  /// - Returns: Whether there was such an entry.
  /// - Throws: `StoreError.io` if a bucket cannot be read.
  func remove(_ entry: StoreEntry) throws(StoreError) -> Bool {
    guard let found = try find(entry.digest, exactly: entry) else { return false }
    incarnations[found.rank].removedSlots.insert(found.slot)
    return true
  }

  /// Where an entry was found.
  private struct Place {
    let entry: StoreEntry
    let rank: Int
    let slot: Int
  }

  /// Searches the incarnations, youngest first, for any entry of this digest, or for just one.
  @inline(__always)
  private func find(_ digest: Digest, exactly wanted: StoreEntry?) throws(StoreError) -> Place? {
    if loading.unloadedLanes > 0 { noteLoaded() }
    // All lines of tags come from memory side by side; a comparison would ask for a few at a time.
    filters.prefetch(digest)
    var search = filters.search(digest, fromLane: loading.unloadedLanes)
    while let candidate = filters.next(of: &search) {
      if let place = try confirm(candidate, digest, exactly: wanted) { return place }
    }
    return nil
  }

  /// Reads a bucket once and compares the whole digests of all slots whose tag matches (S24).
  @inline(never)
  private func confirm(
    _ candidate: TagFilters.Candidate, _ digest: Digest, exactly wanted: StoreEntry?
  ) throws(StoreError) -> Place? {
    let (rank, first) = (candidate.rank, candidate.bucket * StoreGeometry.slotsPerBucket)
    let bucket = try reader.read(candidate.bucket, of: incarnations[rank])
    var digestMatched = false
    for slot in 0..<StoreGeometry.slotsPerBucket where candidate.slots >> UInt8(slot) & 1 != 0 {
      let entry = bucket[slot]
      guard entry.digest == digest, !entry.isEmpty else { continue }
      digestMatched = true
      if let wanted, wanted != entry { continue }
      if incarnations[rank].removedSlots.contains(first + slot) { continue }
      return Place(entry: entry, rank: rank, slot: first + slot)
    }
    if !digestMatched { counters.falsePositives += 1 }
    return nil
  }

  // MARK: Freeze

  /// Makes the log store an incarnation (S10). Whatever fails, nothing is half added.
  ///
  /// - Parameters:
  ///   - logStore: The log store, which is empty afterwards.
  ///   - isLast: Whether nothing is looked up any more, so that RAM needs no filter.
  /// - Throws: `StoreError`. The log store then keeps its entries, space from limbo is the next to be
  ///   taken again, and space that was newly allocated waits there too.
  func freeze(_ logStore: LogStore, isLast: Bool) throws(StoreError) {
    // 1. What needs memory comes first: a lane for the new filter. All other lanes must be known.
    waitUntilLoaded()
    if !isLast && !limitIsReached {
      try filters.reserveLane(besides: ramBytesBesidesFilters)
    }
    // 2. Get an offset: from limbo, else newly allocated (S15, S16).
    let region = try limbo.takeRegion(byteCount: geometry.incarnationBytes, from: storage)
    // 3. Write filter, table and trailer there (S11–S14). This is the last step that can fail.
    let (used, sequence) = (logStore.count, counters.freezes + 1)
    do {
      try writer.write(logStore.allSlots, used: used, sequence: sequence, to: region)
    } catch {
      limbo.putBack(region)
      throw error
    }
    // 4. Forget the oldest incarnations until one more is allowed (S17–S19).
    while limitIsReached { forgetOldest(isSearched: !isLast) }
    // 5. Add the new one as the youngest: its filter, and its table if that is kept.
    if !isLast { filters.addYoungest(logStore.allSlots) }
    let table = isLast ? nil : keptTables.take(from: logStore, besides: &incarnations)
    incarnations.append(
      Incarnation(offset: region.offset, sequence: sequence, used: used, table: table))
    counters.freezes = sequence
    if !region.isFresh { counters.limboReuses += 1 }
    // 6. Go on with an empty log store.
    logStore.reset()
  }

  /// Takes the entries of the youngest incarnation back into an empty log store, if it has many free
  /// slots: stores that are continued often would else collect incarnations with few entries each.
  /// Its space becomes limbo.
  ///
  /// - Parameter logStore: The log store, which must be empty.
  /// - Throws: `StoreError.io` if the incarnation cannot be read. Nothing has changed then.
  func thawYoungest(into logStore: LogStore) throws(StoreError) {
    waitUntilLoaded()
    guard let youngest = incarnations.last, youngest.used * 4 < geometry.entryCount * 3,
      !loading.problems.contains(where: { $0.offset == youngest.offset })
    else { return }
    for bucket in 0..<geometry.bucketCount {
      let entries = try reader.read(bucket, of: youngest)
      for slot in 0..<StoreGeometry.slotsPerBucket where !entries[slot].isEmpty {
        let index = bucket * StoreGeometry.slotsPerBucket + slot
        if youngest.removedSlots.contains(index) || logStore.insert(entries[slot]) { continue }
        return logStore.reset()
      }
    }
    incarnations.removeLast()
    keptTables.forget(youngest)
    filters.dropYoungest()
    limbo.addNewest(youngest.offset)
  }

  /// Forgets everything: the space of every incarnation becomes limbo, that of the youngest the
  /// newest (S20).
  func forgetAll() {
    waitUntilLoaded()
    for incarnation in incarnations {
      limbo.addNewest(incarnation.offset)
      keptTables.forget(incarnation)
    }
    counters.forgotten += UInt64(incarnations.count)
    counters.forgottenEntries += UInt64(entryCount)
    incarnations.removeAll()
    filters.removeAll()
  }

  /// Whether an incarnation more is allowed only after another was forgotten (S17).
  private var limitIsReached: Bool {
    maxIncarnations != 0 && incarnations.count >= Int(maxIncarnations)
  }

  /// Forgets the oldest incarnation, whose space becomes the newest limbo (S19).
  private func forgetOldest(isSearched: Bool) {
    let oldest = incarnations.removeFirst()
    keptTables.forget(oldest)
    limbo.addNewest(oldest.offset)
    filters.dropOldest()
    counters.forgotten += 1
    if isSearched { counters.forgottenEntries += UInt64(oldest.entryCount) }
  }

  // MARK: Loading

  /// Waits until the filters of a store that was opened are all loaded.
  func waitUntilLoaded() {
    if loading.isDone { return }
    loading.wait()
    noteLoaded()
  }

  /// The incarnations of a store that was opened that are skipped, as far as is known yet.
  var openingProblems: [StoreProblem] {
    noteLoaded()
    return loading.problems
  }

  /// Takes over what the loader has found out so far.
  private func noteLoaded() {
    counters.freezes = max(counters.freezes, loading.note(in: &incarnations))
  }

  // MARK: Figures

  /// The number of incarnations that lookups search.
  var count: Int { incarnations.count }
  /// The number of spaces of forgotten incarnations that wait to be used again.
  var limboCount: Int { limbo.offsets.count }
  /// Whether nothing has ever been frozen.
  var isUnused: Bool { incarnations.isEmpty && counters.freezes == 0 && limboCount == 0 }
  /// Buckets looked at because a tag matched, although no digest in them did.
  var falsePositives: UInt64 { counters.falsePositives }
  private var entryCount: Int { incarnations.reduce(0) { $0 + $1.entryCount } }

  /// What has been done with incarnations, and how many entries they have; O(incarnations).
  var statistics: StoreStatistics {
    noteLoaded()
    var result = counters
    result.entries = UInt64(entryCount)
    return result
  }

  /// The lists as they are to be saved (S21): whatever happened before, they are those in RAM.
  var dump: StoreDump {
    StoreDump(
      order: UInt32(geometry.order), incarnations: incarnations.reversed().map(\.offset),
      limbo: limbo.offsets)
  }

  /// The bytes of memory that filters, kept tables and buffers may use.
  var ramBytes: Int {
    Self.bufferBytes + keptTables.ramBytes + filters.ramBytes
  }

  /// The bytes of memory that a store may use for anything but filters.
  private var ramBytesBesidesFilters: Int {
    LogStore.ramBytes(geometry) + ramBytes - filters.ramBytes
  }

  /// The bytes of memory of the buffers.
  static let bufferBytes = IncarnationWriter.ramBytes + BucketReader.ramBytes

  /// Checks what must hold between any two calls before the last freeze; O(incarnations log
  /// incarnations).
  ///
  /// - Throws: `BrokenInvariant`.
  func checkInvariants() throws(BrokenInvariant) {
    try filters.checkInvariants(incarnations: incarnations.count)
    if maxIncarnations != 0, incarnations.count > Int(maxIncarnations) {
      throw BrokenInvariant("\(incarnations.count) incarnations, the limit is \(maxIncarnations)")
    }
    try keptTables.checkInvariants(incarnations)
    let regions = (incarnations.map(\.offset) + limbo.offsets).map(\.bytes).sorted()
    for (region, next) in zip(regions, regions.dropFirst())
    where next - region < UInt64(geometry.incarnationBytes) {
      throw BrokenInvariant("the regions at \(region) and \(next) overlap")
    }
    for (older, younger) in zip(incarnations, incarnations.dropFirst())
    where loading.isDone && loading.problems.isEmpty && older.sequence >= younger.sequence {
      throw BrokenInvariant("freeze \(older.sequence) counts as older than \(younger.sequence)")
    }
  }
}
