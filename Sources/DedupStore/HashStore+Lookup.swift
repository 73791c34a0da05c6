extension HashStore {
  /// Looks for an entry with this digest: in the log store, then from the youngest incarnation to
  /// the oldest (S22).
  ///
  /// A miss reads nothing from the storage unless a tag happens to match.
  ///
  /// - Parameter digest: The digest of a cluster.
  /// - Returns: The first entry that has it, or nil; a miss is no error (S25).
  /// - Throws: `StoreError.io` if a store cluster cannot be read.
  public func lookup(_ digest: Digest) throws(StoreError) -> StoreHit? {
    counters.lookups += 1
    if let entry = logStore.lookup(digest) {
      counters.logStoreHits += 1
      return StoreHit(entry: entry, origin: .logStore)
    }
    let wanted = WantedEntry(digest: digest, exactly: nil)
    guard let place = try findFrozen(wanted) else { return nil }
    counters.incarnationHits += 1
    let sequence = incarnations[place.rank].sequence
    return StoreHit(entry: place.entry, origin: .incarnation(sequence: sequence))
  }

  /// Says that this digest will be looked up soon, so that the memory it needs is near by then.
  ///
  /// It changes no result. Some three lookups ahead is best: over many incarnations a lookup waits
  /// for little else than memory, and so the waiting overlaps.
  ///
  /// - Parameter digest: The digest of one of the next clusters.
  public func prefetch(_ digest: Digest) {
    let (h1, h2) = geometry.buckets(of: digest)
    logStore.prefetch(h1, h2)
    filters.prefetch(h1, h2)
  }

  /// What a search in the incarnations is for.
  struct WantedEntry {
    let digest: Digest
    /// If given, only this entry will do.
    let exactly: StoreEntry?
  }

  /// Where a search in the incarnations has ended.
  struct FrozenPlace {
    let entry: StoreEntry
    /// The index of the incarnation, oldest first.
    let rank: Int
    let slot: Int
  }

  /// Searches the incarnations, youngest first.
  @inline(__always)
  func findFrozen(_ wanted: WantedEntry) throws(StoreError) -> FrozenPlace? {
    if unloadedLanes > 0 { noteLoaded() }
    let (ring, tags) = (filters.ring, filters.tags(of: wanted.digest))
    if let place = try search(ring.wrapped, for: wanted, tags) { return place }
    let loaded = max(ring.straight.lowerBound, unloadedLanes)..<ring.straight.upperBound
    return try search(loaded, for: wanted, tags)
  }

  /// Searches a run of lanes downwards, group by group, which is from young to old.
  @inline(__always)
  private func search(
    _ lanes: Range<Int>, for wanted: WantedEntry, _ tags: TagFilters.Tags
  ) throws(StoreError) -> FrozenPlace? {
    if lanes.isEmpty { return nil }
    var group = (lanes.upperBound - 1) / TagLine.lanes
    let last = lanes.lowerBound / TagLine.lanes
    while group >= last {
      if filters.group(group, mayHold: tags) {
        let first = group * TagLine.lanes
        let inside = lanes.clamped(to: first..<first + TagLine.lanes)
        if let place = try confirm(inside, for: wanted, tags) { return place }
      }
      group -= 1
    }
    return nil
  }
}
