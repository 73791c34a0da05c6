extension HashStore {
  /// A store of the smallest order that holds the same entries, as long as none has been frozen;
  /// else, or if there is no smaller one within the memory, this store itself.
  ///
  /// What is saved of a small image then depends on its content alone, not on what was known of its
  /// size before (S9), and no incarnation is mostly empty. Call it before `finish`.
  ///
  /// - Parameter memory: What both stores and the entries between them may take together, in bytes.
  /// - Returns: The store to go on with. If it is another one, this one is not to be used any more.
  /// - Throws: `StoreError.memory`.
  /// - Complexity: O(n log n) for n entries.
  public func compacted(within memory: UInt64 = .max) throws(StoreError) -> HashStore {
    guard incarnations.isEmpty, counters.freezes == 0, limbo.count == 0 else { return self }
    let smallest = StoreGeometry.order(forDataClusters: UInt64(logStore.count))
    guard smallest < geometry.order else { return self }
    let inUse = ramBytes + logStore.count * Self.bytesToMoveAnEntry
    func fits(_ order: Int) throws(StoreError) -> Bool {
      UInt64(inUse + Self.ramBytes(try StoreGeometry(order: order))) <= memory
    }
    guard try fits(smallest) else { return self }
    let entries = entriesInOrder()
    for order in smallest..<geometry.order where try fits(order) {
      let store = try HashStore(order: order, maxIncarnations: maxIncarnations, storage: storage)
      if entries.allSatisfy({ store.logStore.insert($0) }) {
        store.counters = counters
        return store
      }
    }
    return self
  }

  /// The entries of the log store in the order of the clusters that had them first, which does not
  /// depend on the order of the table.
  private func entriesInOrder() -> [StoreEntry] {
    var entries: [StoreEntry] = []
    entries.reserveCapacity(logStore.count)
    for entry in UnsafeBufferPointer(start: logStore.slots, count: geometry.entryCount)
    where !entry.isEmpty {
      entries.append(entry)
    }
    entries.sort { $0.firstLogicalSector < $1.firstLogicalSector }
    return entries
  }

  /// An entry, and as much again to sort it.
  private static let bytesToMoveAnEntry = 2 * MemoryLayout<StoreEntry>.stride
}
