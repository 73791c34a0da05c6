extension LogStore {
  /// Stores an entry (S7); one with the same digest is replaced.
  ///
  /// It takes the first free slot of its two buckets. When they are full, other entries move to
  /// their other bucket along a path that is complete before the first of them moves.
  ///
  /// - Parameter entry: The entry, whose physical sector must not be 0.
  /// - Returns: Whether it was stored. If not, the table is as it was, and due to be frozen.
  package mutating func insert(_ entry: StoreEntry) -> Bool {
    if let slot = slot(of: entry.digest) {
      slots[slot] = entry
      return true
    }
    let (h1, h2) = geometry.buckets(of: entry.digest)
    guard let slot = freeSlot(in: h1) ?? freeSlot(in: h2) ?? makeRoom(h1, h2) else { return false }
    slots[slot] = entry
    count += 1
    return true
  }

  /// The first free slot of a bucket.
  @inline(__always)
  private func freeSlot(in bucket: Int) -> Int? {
    let first = bucket * StoreGeometry.slotsPerBucket
    for slot in first..<first + StoreGeometry.slotsPerBucket where slots[slot].isEmpty {
      return slot
    }
    return nil
  }

  /// Empties a slot of one of two full buckets.
  ///
  /// The search goes breadth first, so the path is the shortest there is and never meets a bucket
  /// twice: each of its moves finds the slot that the move before it has left.
  private mutating func makeRoom(_ h1: Int, _ h2: Int) -> Int? {
    search.begin(h1, h2)
    while let step = search.next() {
      let first = step.bucket * StoreGeometry.slotsPerBucket
      for slot in first..<first + StoreGeometry.slotsPerBucket {
        guard let other = geometry.tag(of: slots[slot].digest, in: step.bucket),
          other != step.bucket
        else { continue }
        if let free = freeSlot(in: other) {
          return shift(from: slot, of: step, to: free)
        }
        search.add(bucket: other, from: step, slot: slot)
      }
    }
    return nil
  }

  /// Moves the entries of a path, the last one first, and returns the slot that is free then.
  private func shift(from slot: Int, of step: CuckooSearch.Step, to free: Int) -> Int {
    var (source, target, step) = (slot, free, step)
    while true {
      slots[target] = slots[source]
      target = source
      guard let previous = search.origin(of: step) else { return target }
      (source, step) = previous
    }
  }
}
