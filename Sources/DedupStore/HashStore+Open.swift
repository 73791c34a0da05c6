extension HashStore {
  /// Opens a saved store. Its incarnations are known at once; their filters load in the background,
  /// youngest first (S28).
  ///
  /// Whoever calls this has made sure that the store may be used at all. Lookups work meanwhile, and
  /// do not find what is not loaded yet (S27). An incarnation that cannot be read or is damaged is
  /// passed over; `openingProblems` tells. The first freeze waits until all is loaded.
  ///
  /// - Parameters:
  ///   - dump: The lists of the store.
  ///   - maxIncarnations: How many incarnations may be known at once; 0 is no limit.
  ///   - storage: What holds the incarnations. It is read from two threads.
  /// - Throws: `StoreError.invalidOrder`, or another if there is not enough memory, or no thread.
  public convenience init(
    opening dump: StoreDump, maxIncarnations: UInt32, storage: any StoreStorage & Sendable
  ) throws(StoreError) {
    try self.init(
      order: Int(dump.order), maxIncarnations: maxIncarnations, storage: storage, keptTableBytes: 0,
      hasSavedFilters: true)
    limbo = Limbo(offsets: dump.limbo)
    incarnations = dump.incarnations.reversed().map {
      Incarnation(offset: $0, sequence: 0, used: 0)
    }
    for _ in incarnations { try filters.addEmptyLane(besides: Self.ramBytes(geometry)) }
    loader = try FilterLoader(filters, offsets: incarnations.map(\.offset), storage: storage)
    unloadedLanes = incarnations.count
  }

  /// How much memory the filters of a saved store take when it is opened.
  ///
  /// - Parameter dump: The lists of the store.
  /// - Returns: The bytes, as `ramBytes` counts them.
  /// - Throws: `StoreError.invalidOrder`.
  public static func filterBytes(opening dump: StoreDump) throws(StoreError) -> Int {
    let groups = (dump.incarnations.count + TagLine.lanes - 1) / TagLine.lanes
    return groups * TagFilters.groupBytes(try StoreGeometry(order: Int(dump.order)))
  }

  /// Waits until the filters of a store that was opened are all loaded.
  public func waitUntilLoaded() {
    guard let loader else { return }
    loader.join()
    noteLoaded()
  }

  /// Takes over what the loader has found out so far.
  @inline(never)
  func noteLoaded() {
    guard let loader else { return }
    unloadedLanes = loader.firstLoadedLane
    for outcome in loader.takeOutcomes() {
      switch outcome.result {
      case .success(let trailer):
        incarnations[outcome.rank].sequence = trailer.sequence
        incarnations[outcome.rank].used = Int(trailer.usedEntries)
        counters.freezes = max(counters.freezes, trailer.sequence)
      case .failure(let reason):
        problems.append(
          StoreProblem(offset: incarnations[outcome.rank].offset, reason: reason))
      }
    }
    if unloadedLanes == 0 {
      loader.join()
      self.loader = nil
    }
  }

  /// The incarnations of a store that was opened that are passed over, as far as is known yet.
  public var openingProblems: [StoreProblem] {
    noteLoaded()
    return problems
  }
}
