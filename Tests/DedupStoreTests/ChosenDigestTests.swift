import DedupStore
import TestSupport
import Testing

/// Digests that were chosen to share buckets, which anybody can do: XXH3 has no key.
@Suite struct ChosenDigestTests {
  /// An entry in bucket `bucket` alone, for both halves of its digest name it.
  private func entry(_ number: UInt64, in bucket: UInt64) -> StoreEntry {
    StoreEntry(
      digest: Digest(high: number << 32 | bucket, low: number << 32 | bucket),
      physicalSector: 8 * number, firstLogicalSector: 8 * number)
  }

  @Test(
    "S7: entries that share a bucket are left out of a table that is not 3/4 full, and counted",
    arguments: [7, 14])
  func s07LeftOut(order: Int) throws {
    let storage = MemoryStorage()
    let store = try HashStore(order: order, maxIncarnations: 0, storage: storage)
    let entries = (1...60).map { entry($0, in: 5) }
    for entry in entries { try store.insert(entry) }
    try store.checkInvariants()
    for (index, entry) in entries.enumerated() {
      #expect(try store.lookup(entry.digest)?.entry == (index < 4 ? entry : nil))
    }
    let statistics = store.statistics
    #expect(statistics.insertions == 4 && statistics.entriesLeftOut == 56)
    #expect(statistics.entries == 4 && statistics.freezes == 0)
    #expect(storage.calls.isEmpty)
    try store.finish()
    #expect(storage.allocations == 1)
  }

  @Test("S7: a table that is 3/4 full is frozen when an entry finds no slot, and not before")
  func s07ThreeQuarters() throws {
    let store = try HashStore(order: 8, maxIncarnations: 0, storage: MemoryStorage())
    for number in 1...4 as ClosedRange<UInt64> { try store.insert(entry(number, in: 5)) }
    var entries = Entries(seed: 7)
    while store.statistics.entries < 767 { try store.insert(entries.next()) }
    try store.insert(entry(5, in: 5))
    #expect(store.statistics.entriesLeftOut == 1 && store.incarnationCount == 0)
    try store.insert(entries.next())
    try store.insert(entry(6, in: 5))
    #expect(store.statistics.entriesLeftOut == 1 && store.incarnationCount == 1)
    #expect(try store.lookup(entry(6, in: 5).digest)?.origin == .logStore)
    #expect(try store.lookup(entry(4, in: 5).digest)?.origin == .incarnation(sequence: 1))
    #expect(store.statistics.entries == 769)
  }

  @Test("S7 S9: what shares a bucket in every smaller order does not keep a store large")
  func s07Compacted() throws {
    let storage = MemoryStorage()
    let large = try HashStore(order: 14, maxIncarnations: 0, storage: storage)
    // Two buckets of order 14, which are one bucket of any smaller order.
    let entries = (1...60 as ClosedRange<UInt64>).map { entry($0, in: ($0 % 2) << 13) }
    for entry in entries { try large.insert(entry) }
    #expect(large.statistics.entries == 8)
    let small = try large.compacted()
    #expect(small.geometry.order == StoreGeometry.order(forDataClusters: 8))
    #expect(small.statistics.entries == 4 && small.statistics.entriesLeftOut == 56)
    try small.finish(isLast: true)
    #expect(storage.bytes.count == Int(MemoryStorage.firstOffset.bytes) + 8192)
  }
}
