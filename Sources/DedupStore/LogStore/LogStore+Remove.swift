extension LogStore {
  /// Drops an entry (S8).
  ///
  /// - Parameter entry: The entry, all of whose fields must be as it was inserted.
  /// - Returns: Whether it was there.
  package mutating func remove(_ entry: StoreEntry) -> Bool {
    guard let slot = slot(of: entry.digest), slots[slot] == entry else { return false }
    slots[slot] = StoreEntry(
      digest: Digest(high: 0, low: 0), physicalSector: 0, firstLogicalSector: 0)
    count -= 1
    return true
  }
}
