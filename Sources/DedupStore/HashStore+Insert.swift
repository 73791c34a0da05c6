extension HashStore {
  /// Stores a new entry; when the log store is full it is frozen first (S7, S10).
  ///
  /// An entry of the log store with the same digest is replaced; one that is frozen is hidden by
  /// the new one, because lookups go from young to old.
  ///
  /// - Parameter entry: The entry, whose physical sector must not be 0.
  /// - Throws: `StoreError.emptyEntry`, or what made the freeze fail. The entry is not stored then,
  ///   all others still are, and the call may be repeated.
  public func insert(_ entry: StoreEntry) throws(StoreError) {
    guard !entry.isEmpty else { throw .emptyEntry(entry) }
    while !logStore.insert(entry) {
      try freeze()
    }
    counters.insertions += 1
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

  /// Drops an entry, so that the next cluster with its digest is a new physical copy (S8, S33).
  ///
  /// Where the entry is frozen, RAM remembers that lookups pass over it, for as long as the
  /// incarnation is known; on disk it stays.
  ///
  /// - Parameter entry: The entry, all of whose fields must be as a lookup gave them.
  /// - Returns: Whether there was such an entry.
  /// - Throws: `StoreError.io` if a store cluster cannot be read.
  @discardableResult
  public func remove(_ entry: StoreEntry) throws(StoreError) -> Bool {
    if !logStore.remove(entry) {
      let wanted = WantedEntry(digest: entry.digest, exactly: entry)
      guard let place = try findFrozen(wanted) else { return false }
      incarnations[place.rank].removedSlots.insert(place.slot)
    }
    counters.removals += 1
    return true
  }
}
