extension HashStore {
  /// Makes the log store an incarnation, in the order of S10.
  ///
  /// - Parameter isLast: Whether nothing is looked up any more, so that RAM needs no filter.
  /// - Throws: `StoreError`. Nothing is half added then: the log store keeps its entries, space
  ///   from limbo is the next to be taken again, and space that was newly allocated waits there too.
  func freeze(isLast: Bool = false) throws(StoreError) {
    precondition(!isClosed, "a store was used after its last freeze")
    waitUntilLoaded()
    if !isLast && !limitIsReached { try filters.reserveLane(besides: ramBytesBesidesFilters) }
    let region = try takeRegion()
    let sequence = counters.freezes + 1
    do {
      try writer.write(logStore.slots, used: logStore.count, sequence: sequence, to: region)
    } catch {
      limbo.addOldest(region.offset)
      throw error
    }
    while limitIsReached {
      if !isLast { counters.forgottenEntries += UInt64(incarnations[0].entryCount) }
      forgetOldest()
    }
    if !isLast { filters.addYoungest(logStore.slots) }
    let used = logStore.count
    incarnations.append(
      Incarnation(
        offset: region.offset, sequence: sequence, used: used,
        table: isLast ? nil : takeTableToKeep()))
    counters.freezes = sequence
    if !region.isFresh { counters.limboReuses += 1 }
    logStore.reset()
  }

  /// Takes the table of the log store, if such tables are kept. The oldest of those that are makes
  /// room for it.
  private func takeTableToKeep() -> SlotTable? {
    guard keptTableLimit > 0 else { return nil }
    if keptTableCount < keptTableLimit {
      // Without memory for another table this one is used again: what it held is on disk.
      guard let new = try? SlotTable(geometry) else { return nil }
      keptTableCount += 1
      return logStore.exchange(for: new)
    }
    guard let oldest = incarnations.firstIndex(where: { $0.table != nil }),
      let free = incarnations[oldest].table
    else { return nil }
    incarnations[oldest].table = nil
    free.clear()
    return logStore.exchange(for: free)
  }

  /// Whether an incarnation more is allowed only after another was forgotten (S17).
  private var limitIsReached: Bool {
    maxIncarnations != 0 && incarnations.count >= Int(maxIncarnations)
  }

  /// The oldest limbo space if there is any, else newly allocated room (S15, S16).
  private func takeRegion() throws(StoreError) -> StoreRegion {
    if let offset = limbo.takeOldest() { return StoreRegion(offset: offset, isFresh: false) }
    let offset = try storage.allocate(byteCount: UInt64(geometry.incarnationBytes))
    return StoreRegion(offset: offset, isFresh: true)
  }

  /// Forgets the oldest incarnation, whose space becomes the newest limbo (S19).
  private func forgetOldest() {
    let oldest = incarnations.removeFirst()
    if oldest.table != nil { keptTableCount -= 1 }
    limbo.addNewest(oldest.offset)
    filters.dropOldest()
    counters.forgotten += 1
  }

  /// Forgets everything: the log store is emptied, and the space of every incarnation becomes
  /// limbo, that of the youngest the newest (S20).
  public func forgetAll() {
    waitUntilLoaded()
    for incarnation in incarnations { limbo.addNewest(incarnation.offset) }
    counters.forgotten += UInt64(incarnations.count)
    counters.forgottenEntries += incarnations.reduce(0) { $0 + UInt64($1.entryCount) }
    incarnations.removeAll()
    keptTableCount = 0
    filters.removeAll()
    logStore.reset()
  }
}
