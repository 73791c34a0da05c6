import DedupStore
import Testing
import TestSupport

@Suite struct ForgettingTests {
  /// Freezes one new entry.
  private func freeze(_ store: HashStore, _ entries: inout Entries) throws -> StoreEntry {
    let entry = entries.next()
    try store.insert(entry)
    try store.finish()
    return entry
  }

  @Test(
    "S15 S18 S19: the steady state takes max + 1 regions in turn",
    arguments: [1, 2, 3, 8, 9, 40, 130])
  func s15s18s19SteadyState(max: Int) throws {
    let storage = MemoryStorage()
    let store = try HashStore(order: 2, maxIncarnations: UInt32(max), storage: storage)
    var entries = Entries(seed: 18)
    var frozen: [StoreEntry] = []
    var offsets: [StorageOffset] = []
    for round in 1...5 * max + 5 {
      frozen.append(try freeze(store, &entries))
      offsets.append(store.dump.incarnations[0])
      #expect(store.incarnationCount == min(round, max))
      #expect(store.limboCount == (round > max ? 1 : 0))
      #expect(store.dump.incarnations == offsets.suffix(max).reversed())
    }
    #expect(storage.allocations == max + 1)
    for (index, offset) in offsets.enumerated().dropFirst(max + 1) {
      #expect(offset == offsets[index - max - 1])
    }
    for entry in frozen.dropLast(max) { #expect(try store.lookup(entry.digest) == nil) }
    for entry in frozen.suffix(max) { #expect(try store.lookup(entry.digest)?.entry == entry) }
    #expect(store.statistics.forgotten == UInt64(frozen.count - max))
    #expect(store.statistics.limboReuses == UInt64(frozen.count - max - 1))
  }

  @Test("S17: 0 is no limit")
  func s17NoLimit() throws {
    let storage = MemoryStorage()
    let store = try HashStore(order: 1, maxIncarnations: 0, storage: storage)
    var entries = Entries(seed: 17)
    var frozen: [StoreEntry] = []
    for _ in 0..<300 { frozen.append(try freeze(store, &entries)) }
    #expect(store.incarnationCount == 300)
    #expect(store.limboCount == 0)
    for entry in frozen { #expect(try store.lookup(entry.digest)?.entry == entry) }
  }

  @Test(
    "S17: filters that move together lose nothing, and take 64 bytes a bucket for 8 incarnations",
    arguments: [(1, 300), (14, 130), (17, 34)])
  func s17Growing(order: Int, count: Int) throws {
    let store = try HashStore(order: order, maxIncarnations: 0, storage: try SparseStorage())
    let ramBytes = store.ramBytes
    var entries = Entries(seed: 170)
    var frozen: [StoreEntry] = []
    for _ in 0..<count {
      frozen.append(try freeze(store, &entries))
      let groups = (frozen.count + 7) / 8
      #expect(store.ramBytes == ramBytes + (groups * 64) << order)
      #expect(try store.lookup(frozen[frozen.count / 2].digest)?.entry == frozen[frozen.count / 2])
    }
    for entry in frozen { #expect(try store.lookup(entry.digest)?.entry == entry) }
  }

  @Test("S19: what is forgotten leaves the list and becomes the newest limbo")
  func s19NewestLimbo() throws {
    let store = try HashStore(order: 2, maxIncarnations: 2, storage: MemoryStorage())
    var entries = Entries(seed: 19)
    let first = try freeze(store, &entries)
    let oldest = store.dump.incarnations[0]
    _ = try freeze(store, &entries)
    #expect(try store.lookup(first.digest) != nil)
    _ = try freeze(store, &entries)
    #expect(store.dump.limbo == [oldest])
    #expect(try store.lookup(first.digest) == nil)
  }

  @Test("S6 S20: forgetting all makes everything limbo and gives the filters back")
  func s20ForgetAll() throws {
    let store = try HashStore(order: 6, maxIncarnations: 0, storage: MemoryStorage())
    let ramBytes = store.ramBytes
    var entries = Entries(seed: 20)
    var known: [StoreEntry] = []
    for _ in 0..<20 { known.append(try freeze(store, &entries)) }
    known.append(entries.next())
    try store.insert(known.last!)
    #expect(store.ramBytes > ramBytes)
    let youngestFirst = store.dump.incarnations
    store.forgetAll()
    #expect(store.dump.limbo == youngestFirst)
    #expect(store.dump.incarnations == [])
    #expect(store.ramBytes == ramBytes)
    #expect(store.statistics.entries == 0)
    for entry in known { #expect(try store.lookup(entry.digest) == nil) }
    _ = try freeze(store, &entries)
    #expect(store.dump.incarnations == [youngestFirst.last!])
  }

  @Test("S21: the dump is the lists in RAM after every freeze", arguments: [0, 3] as [UInt32])
  func s21Dump(max: UInt32) throws {
    let storage = MemoryStorage()
    let store = try HashStore(order: 3, maxIncarnations: max, storage: storage)
    var entries = Entries(seed: 21)
    for _ in 0..<12 {
      let entry = try freeze(store, &entries)
      let dump = store.dump
      #expect(dump.order == 3)
      #expect(dump.incarnations.count == store.incarnationCount)
      #expect(dump.limbo.count == store.limboCount)
      let parsed = try StoreDump.parse(
        dump.serialized, fileSize: UInt64(storage.bytes.count), alignment: 4096)
      #expect(parsed.dump == dump)
      let youngest = try DecodedIncarnation(
        storage.bytes, order: 3, offset: dump.incarnations[0])
      #expect(Array(youngest.entries.values) == [entry])
    }
  }

  @Test("S6: a new store knows nothing")
  func s06New() throws {
    let storage = MemoryStorage()
    let store = try HashStore(order: 7, maxIncarnations: 9, storage: storage)
    var entries = Entries(seed: 6)
    #expect(store.dump == StoreDump(order: 7, incarnations: [], limbo: []))
    #expect(try store.lookup(entries.digest()) == nil)
    #expect(store.statistics.lookups == 1)
    #expect(storage.calls.isEmpty)
  }
}
