import DedupStore
import TestSupport
import Testing

/// Stores that are laid out again in a smaller order (S9).
@Suite struct CompactTests {
  private func entries(_ count: Int) -> [StoreEntry] {
    var random = SplitMix64(seed: 9)
    return (1...max(1, count)).prefix(count).map { number in
      StoreEntry(
        digest: Digest(high: random.next(), low: random.next()),
        physicalSector: UInt64(number) * 8, firstLogicalSector: UInt64(number) * 16)
    }
  }

  private func store(_ entries: [StoreEntry], order: Int) throws -> (HashStore, MemoryStorage) {
    let storage = MemoryStorage()
    let store = try HashStore(order: order, maxIncarnations: 0, storage: storage)
    for entry in entries { try store.insert(entry) }
    return (store, storage)
  }

  @Test("S9: the order that was begun with does not show", arguments: [0, 1, 7, 500, 3000, 40_000])
  func smallest(count: Int) throws {
    let entries = entries(count)
    let stored = try [14, 16].map { order in
      let (large, storage) = try store(entries, order: order)
      let small = try large.compacted()
      #expect(small.geometry.order <= 14)
      #expect(small.geometry.order >= StoreGeometry.order(forDataClusters: UInt64(count)))
      try small.finish()
      for entry in entries { #expect(try small.lookup(entry.digest)?.entry == entry) }
      #expect(small.statistics.insertions == UInt64(count))
      return (storage.bytes, small.dump)
    }
    #expect(stored[0].0 == stored[1].0)
    #expect(stored[0].1 == stored[1].1)
  }

  @Test("S9: a store that has frozen anything stays as it is")
  func frozen() throws {
    let (large, _) = try store(entries(40), order: 3)
    #expect(large.statistics.freezes > 0)
    #expect(try large.compacted() === large)
  }

  @Test("S9: both stores and the entries between them keep to the memory, or it stays as it is")
  func memory() throws {
    let (large, _) = try store(entries(400), order: 10)
    let needed = UInt64(large.ramBytes + 400 * 64 + large.ramBytes - (128 << 10) + (128 << 7))
    #expect(try large.compacted(within: needed - 1) === large)
    #expect(try large.compacted(within: needed).geometry.order == 7)
  }

  @Test("S9: a store of the smallest order stays as it is")
  func already() throws {
    let (large, _) = try store(entries(3), order: 1)
    #expect(try large.compacted() === large)
  }
}
