import DedupStore
import Testing
import TestSupport

@Suite struct LookupTests {
  /// An entry in the buckets `h1` and `h2`; `variant` makes the digest another one.
  private func entry(_ h1: UInt64, _ h2: UInt64, variant: UInt64, sector: UInt64 = 8) -> StoreEntry
  {
    StoreEntry(
      digest: Digest(high: variant << 32 | h1, low: variant << 32 | h2),
      physicalSector: sector, firstLogicalSector: variant)
  }

  /// A store of order 8 (32 buckets a store cluster) with these entries frozen.
  private func frozen(_ entries: [StoreEntry]) throws -> (HashStore, MemoryStorage) {
    let storage = MemoryStorage()
    let store = try HashStore(order: 8, maxIncarnations: 0, storage: storage)
    for entry in entries { try store.insert(entry) }
    try store.finish()
    storage.forgetCalls()
    return (store, storage)
  }

  private var table: StorageOffset { MemoryStorage.firstOffset + 4096 }

  @Test("S22: the youngest of several entries is found, with one read", arguments: [1, 2, 20, 40])
  func s22YoungestFirst(count: Int) throws {
    let storage = MemoryStorage()
    let store = try HashStore(order: 4, maxIncarnations: 0, storage: storage)
    var entries = Entries(seed: 22)
    let digest = entries.digest()
    for round in 1...count {
      let entry = entries.next(digest)
      try store.insert(entry)
      #expect(try store.lookup(digest)?.origin == .logStore)
      try store.finish()
      storage.forgetCalls()
      let hit = try store.lookup(digest)
      #expect(hit?.entry == entry)
      #expect(hit?.origin == .incarnation(sequence: UInt64(round)))
      #expect(storage.reads == 1)
    }
  }

  @Test("S23: bucket h1 with tag h2, then bucket h2 with tag h1")
  func s23BucketOrder() throws {
    let (store, storage) = try frozen([entry(0, 200, variant: 1), entry(200, 0, variant: 2)])
    #expect(try store.lookup(entry(0, 200, variant: 3).digest) == nil)
    #expect(
      storage.calls == [
        .read(offset: table, byteCount: 128),
        .read(offset: table + (6 * 4096 + 1024), byteCount: 128),
      ])
    storage.forgetCalls()
    #expect(try store.lookup(entry(200, 0, variant: 3).digest) == nil)
    #expect(
      storage.calls == [
        .read(offset: table + (6 * 4096 + 1024), byteCount: 128),
        .read(offset: table, byteCount: 128),
      ])
    #expect(store.statistics.falsePositives == 4)
  }

  @Test("S24: slots with the same tag are all tried with one read")
  func s24SeveralSlots() throws {
    let entries = (1...4).map { entry(3, 77, variant: $0) }
    let (store, storage) = try frozen(entries)
    for entry in entries {
      storage.forgetCalls()
      #expect(try store.lookup(entry.digest)?.entry == entry)
      #expect(storage.calls == [.read(offset: table + 384, byteCount: 128)])
    }
    storage.forgetCalls()
    #expect(try store.lookup(entry(3, 77, variant: 9).digest) == nil)
    #expect(storage.reads == 1)
    #expect(store.statistics.falsePositives == 1)
  }

  @Test("S23: tags of 16 bits keep misses from reading, at any order", arguments: [1, 4, 9])
  func s23SeldomInVain(order: Int) throws {
    let store = try HashStore(order: order, maxIncarnations: 0, storage: MemoryStorage())
    var entries = Entries(seed: 23)
    while store.incarnationCount < 128 { try store.insert(entries.next()) }
    for _ in 0..<4000 { #expect(try store.lookup(entries.digest()) == nil) }
    // Chance lets expect 4000 · 128 · 8 / 65536 = 62 at most.
    #expect(store.statistics.falsePositives < 120)
  }

  @Test("S24: a bucket that is both h1 and h2 is read once")
  func s24SameBucket() throws {
    let (store, storage) = try frozen([entry(5, 5, variant: 1)])
    #expect(try store.lookup(entry(5, 5, variant: 2).digest) == nil)
    #expect(storage.reads == 1)
  }

  @Test("S24: no tag matches, nothing is read; a free slot has no tag, not even 0")
  func s24NoRead() throws {
    let (store, storage) = try frozen([entry(5, 6, variant: 1)])
    #expect(try store.lookup(entry(5, 7, variant: 1).digest) == nil)
    #expect(try store.lookup(entry(0, 0, variant: 1).digest) == nil)
    #expect(storage.calls.isEmpty)
  }

  @Test("S25 S26: a hit is decoded with all its bits", arguments: [8, 16])
  func s25Decoded(order: Int) throws {
    let storage = MemoryStorage()
    let store = try HashStore(order: order, maxIncarnations: 0, storage: storage)
    var entries = Entries(seed: 25)
    let known = (0..<500).map { index in
      StoreEntry(
        digest: entries.digest(), physicalSector: 1 << 63 | entries.generator.next() >> 2,
        firstLogicalSector: UInt64.max - index)
    }
    for entry in known { try store.insert(entry) }
    try store.finish()
    for entry in known { #expect(try store.lookup(entry.digest)?.entry == entry) }
    #expect(store.statistics.incarnationHits == 500)
  }

  @Test("S33: a removed entry is gone from the log store and from an incarnation")
  func s33Remove() throws {
    let store = try HashStore(order: 4, maxIncarnations: 3, storage: MemoryStorage())
    var entries = Entries(seed: 33)
    let first = entries.next()
    try store.insert(first)
    #expect(try store.remove(first))
    #expect(try store.lookup(first.digest) == nil)
    #expect(try !store.remove(first))
    let second = entries.next(first.digest)
    try store.insert(second)
    try store.finish()
    #expect(try store.remove(second))
    #expect(try store.lookup(first.digest) == nil)
    #expect(try !store.remove(second))
    #expect(store.statistics.entries == 0)
    let third = entries.next(first.digest)
    try store.insert(third)
    #expect(try store.lookup(first.digest)?.entry == third)
    #expect(store.statistics.removals == 2)
  }

  @Test("S33: lookups skip a removed frozen entry and go on to older ones")
  func s33OlderOnes() throws {
    let store = try HashStore(order: 4, maxIncarnations: 0, storage: MemoryStorage())
    var entries = Entries(seed: 34)
    let digest = entries.digest()
    var known: [StoreEntry] = []
    for _ in 0..<20 {
      known.append(entries.next(digest))
      try store.insert(known.last!)
      try store.finish()
    }
    #expect(try store.remove(known[10]))
    while let entry = known.popLast() {
      if known.count == 10 { continue }
      #expect(try store.lookup(digest)?.entry == entry)
      #expect(try store.remove(entry))
    }
    #expect(try store.lookup(digest) == nil)
  }

  @Test("S34: after a collision the newer entry is the one that is found")
  func s34Collision() throws {
    let (store, _) = try frozen([entry(1, 2, variant: 1, sector: 8)])
    let newer = entry(1, 2, variant: 1, sector: 16)
    try store.insert(newer)
    #expect(try store.lookup(newer.digest)?.entry == newer)
    try store.finish()
    #expect(try store.lookup(newer.digest)?.entry == newer)
  }

  @Test("S7: an entry without a place is refused")
  func s07EmptyEntry() throws {
    let store = try HashStore(order: 4, maxIncarnations: 0, storage: MemoryStorage())
    let error = #expect(throws: StoreError.self) {
      try store.insert(entry(1, 2, variant: 0, sector: 0))
    }
    #expect(error?.description.hasPrefix("invalid physical sector 0 for digest 0") == true)
  }

  @Test("S22: a prefetch changes nothing", arguments: [4, 16])
  func s22Prefetch(order: Int) throws {
    let store = try HashStore(order: order, maxIncarnations: 0, storage: MemoryStorage())
    var entries = Entries(seed: 35)
    for _ in 0..<40 {
      let entry = entries.next()
      store.prefetch(entry.digest)
      #expect(try store.lookup(entry.digest) == nil)
      try store.insert(entry)
      if order == 4 { try store.finish() }
      store.prefetch(entry.digest)
      #expect(try store.lookup(entry.digest)?.entry == entry)
    }
  }
}
