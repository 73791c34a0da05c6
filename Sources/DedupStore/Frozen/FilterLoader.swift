internal import DiskIO
internal import Synchronization

/// Loads the filters of a saved store on a thread of its own, youngest first (S28).
///
/// Lookups may go on meanwhile. They see only groups of lanes that are complete: the loader writes
/// the tags of a group, then says so. What the trailers tell comes with it.
final class FilterLoader: @unchecked Sendable {
  // Unchecked: the tags of a group are written by the loader's thread alone until `firstLoadedLane`
  // is at or below its lanes, and are not written by it afterwards. The places do not change before
  // the thread has been joined.

  /// What became of one incarnation.
  struct Outcome {
    let rank: Int
    /// Its trailer, or why it is passed over.
    let result: Result<IncarnationTrailer, StoreProblem.Reason>
  }

  private let reader: FilterReader
  private let offsets: [UInt64]
  private let places: [TagFilters.GroupPlace]
  private let firstLoaded: Atomic<Int>
  private let outcomes = Mutex<[Outcome]>([])
  private let isStopped = Atomic(false)
  private var thread: WorkerThread?

  /// Starts to load.
  ///
  /// - Parameters:
  ///   - filters: Filters that have a lane for each incarnation, and nothing in them.
  ///   - offsets: Where the incarnations are, oldest first.
  ///   - storage: What holds them.
  /// - Throws: `StoreError` if there is no memory or no thread for it.
  init(
    _ filters: TagFilters, offsets: [UInt64], storage: any StoreStorage & Sendable
  ) throws(StoreError) {
    self.offsets = offsets
    places = (0..<filters.groupCount).map { filters.places[$0] }
    firstLoaded = Atomic(offsets.count)
    reader = try FilterReader(geometry: filters.geometry, storage: storage)
    do {
      thread = try WorkerThread { [self] in load() }
    } catch {
      throw .io(error)
    }
  }

  /// Lanes from this one on are loaded, or their incarnations are passed over.
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
