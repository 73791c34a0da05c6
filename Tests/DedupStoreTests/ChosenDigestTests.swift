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
    for entry in entries { #expect(try store.lookup(entry.digest)?.entry == entry) }
    #expect(try store.lookup(entry(61, in: 5).digest) == nil)
    let statistics = store.statistics
    #expect(statistics.insertions == 4 && statistics.entriesLeftOut == 56)
    #expect(statistics.entries == 4 && statistics.freezes == 0)
    #expect(storage.calls.isEmpty)
    try store.finish()
    #expect(storage.allocations == 1)
    #expect(storage.calls.isEmpty == false)
    let opened = try HashStore(
      opening: store.dump, maxIncarnations: 0, storage: SavedStorage(storage.bytes))
    opened.waitUntilLoaded()
    for (index, entry) in entries.enumerated() {
      #expect(try opened.lookup(entry.digest)?.entry == (index < 4 ? entry : nil))
    }
  }

  @Test("S7: what was left out is replaced and removed like any entry")
  func s07LeftOutChanges() throws {
    let store = try HashStore(order: 7, maxIncarnations: 0, storage: MemoryStorage())
    let entries = (1...6).map { entry($0, in: 5) }
    for entry in entries { try store.insert(entry) }
    let last = entries[5]
    let newer = StoreEntry(digest: last.digest, physicalSector: 800, firstLogicalSector: 800)
    #expect(try !store.remove(newer))
    try store.insert(newer)
    #expect(try store.lookup(last.digest)?.entry == newer)
    #expect(try !store.remove(last))
    #expect(try store.remove(newer))
    #expect(try store.lookup(last.digest) == nil)
    // Room in the bucket: the entry comes into the log store, and is not found twice.
    #expect(try store.remove(entries[0]))
    let fifth = StoreEntry(
      digest: entries[4].digest, physicalSector: 808, firstLogicalSector: 808)
    try store.insert(fifth)
    #expect(try store.remove(fifth))
    #expect(try store.lookup(fifth.digest) == nil)
    store.forgetAll()
    for entry in entries { #expect(try store.lookup(entry.digest) == nil) }
  }

  @Test("S7: what was left out takes bounded memory")
  func s07LeftOutBound() throws {
    let store = try HashStore(order: 7, maxIncarnations: 0, storage: MemoryStorage())
    let before = store.ramBytes
    for number in 1...2000 as ClosedRange<UInt64> { try store.insert(entry(number, in: 5)) }
    #expect(store.ramBytes < before + 64 << 10)
    #expect(try store.lookup(entry(132, in: 5).digest) != nil)
    #expect(try store.lookup(entry(133, in: 5).digest) == nil)
    #expect(store.statistics.entriesLeftOut == 1996)
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
