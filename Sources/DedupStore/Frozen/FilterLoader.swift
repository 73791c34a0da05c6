internal import DiskIO
internal import Synchronization

/// Loads the filters of a saved store on a thread of its own, youngest first (S28).
///
/// Incarnation after incarnation, it reads the trailer, then the tags, and checks both. The tags go
/// into the lane of the incarnation; what was found out, the trailer or why the incarnation is
/// skipped, goes into a list that the user of the store takes now and then.
///
/// Lookups go on at the same time. They see only groups of lanes that are complete: the loader writes
/// the tags of all lanes of a group, and then lowers `firstLoadedLane` past them. The atomic store
/// releases what the lookups' atomic load acquires. An incarnation that is skipped has no tag in any
/// slot, so that it is never a candidate.
///
/// States: it loads from the start; it ends by itself at lane 0, or early after `stop`. `join` or
/// `stop` is called once, before the places of the groups change or their memory goes away. What may
/// be stale: `firstLoadedLane`, which then only hides what is already loaded.
///
/// Cost: a buffer of 128 KiB; it reads 2 or 4 bytes a slot, and writes into each line of the group for
/// each of its lanes.
final class FilterLoader: @unchecked Sendable {
  // Unchecked: the tags of a group are written by the loader's thread alone until `firstLoadedLane`
  // is at or below its lanes, and are not written by it afterwards. The places do not change before
  // the thread has been joined.

  /// What became of one incarnation.
  struct Outcome {
    let rank: Int
    /// Its trailer, or why it is skipped.
    let result: Result<IncarnationTrailer, StoreProblem.Reason>
  }

  private let reader: FilterReader
  private let offsets: [StorageOffset]
  private let places: [GroupPlace]
  private let firstLoaded: Atomic<Int>
  private let outcomes = Mutex<[Outcome]>([])
  private let isStopped = Atomic(false)
  private var thread: WorkerThread?

  /// Starts to load.
  ///
  /// - Parameters:
  ///   - places: The groups of the incarnations' lanes, without tags yet.
  ///   - geometry: The sizes of the store.
  ///   - offsets: Where the incarnations are, oldest first.
  ///   - storage: What holds them.
  /// - Throws: `StoreError` if there is no memory or no thread for it.
  init(
    _ places: [GroupPlace], geometry: StoreGeometry, offsets: [StorageOffset],
    storage: any StoreStorage & Sendable
  ) throws(StoreError) {
    self.offsets = offsets
    self.places = places
    firstLoaded = Atomic(offsets.count)
    reader = try FilterReader(geometry: geometry, storage: storage)
    do {
      thread = try WorkerThread { [self] in load() }
    } catch {
      throw .io(error)
    }
  }

  /// Lanes from this one on are loaded, or their incarnations are skipped.
  var firstLoadedLane: Int { firstLoaded.load(ordering: .acquiring) }

  /// What became of incarnations since the last call.
  func takeOutcomes() -> [Outcome] {
    outcomes.withLock { outcomes in
      defer { outcomes = [] }
      return outcomes
    }
  }

  /// Waits until all is loaded; to be called once, unless `stop` is.
  func join() {
    thread?.join()
    thread = nil
  }

  /// Ends the loading early.
  func stop() {
    isStopped.store(true, ordering: .relaxed)
    join()
  }

  private func load() {
    for (group, place) in places.enumerated().reversed() {
      let first = group * TagLine.lanes
      for rank in (first..<min(first + TagLine.lanes, offsets.count)).reversed() {
        if isStopped.load(ordering: .relaxed) { return }
        let result = Result { () throws(StoreProblem.Reason) in
          try reader.read(incarnationAt: offsets[rank], to: place, lane: rank % TagLine.lanes)
        }
        outcomes.withLock { $0.append(Outcome(rank: rank, result: result)) }
      }
      firstLoaded.store(first, ordering: .releasing)
    }
  }
}

/// What is known of the loading, as the user of the store sees it: how far it is, and which
/// incarnations are skipped. One thread at a time may use it. A new store has nothing to load.
///
/// It is a class so that its owner holds it in a constant, for every lookup asks it.
final class FilterLoading {
  private var loader: FilterLoader?
  /// How many lanes, from lane 0 on, are not loaded yet.
  private(set) var unloadedLanes = 0
  /// The incarnations that are skipped, as far as was noted.
  private(set) var problems: [StoreProblem] = []

  /// Nothing to load.
  init() {}

  /// Whether all is loaded, and noted.
  var isDone: Bool { loader == nil }

  /// Begins with so many lanes.
  func begin(_ loader: FilterLoader, lanes: Int) {
    self.loader = loader
    unloadedLanes = lanes
  }

  /// Waits until all is loaded; `note` comes next.
  func wait() { loader?.join() }

  /// Ends the loading early.
  func stop() { loader?.stop() }

  /// Takes over what has been found out so far.
  ///
  /// - Parameter incarnations: All incarnations, oldest first; each gets what its trailer says.
  /// - Returns: The highest number of a freeze among those trailers; 0 if there is none.
  @inline(never)
  func note(in incarnations: inout [Incarnation]) -> UInt64 {
    guard let loader else { return 0 }
    var highest: UInt64 = 0
    unloadedLanes = loader.firstLoadedLane
    for outcome in loader.takeOutcomes() {
      switch outcome.result {
      case .success(let trailer):
        incarnations[outcome.rank].sequence = trailer.sequence
        incarnations[outcome.rank].used = Int(trailer.usedEntries)
        highest = max(highest, trailer.sequence)
      case .failure(let reason):
        problems.append(
          StoreProblem(offset: incarnations[outcome.rank].offset, reason: reason))
      }
    }
    if unloadedLanes == 0 {
      loader.join()
      self.loader = nil
    }
    return highest
  }
}
