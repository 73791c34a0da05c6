import DedupStore
import DiskIO
import Testing
import TestSupport

@Suite struct FreezeTests {
  /// A store whose log store holds some entries.
  static func filled(
    order: Int, count: Int, max: UInt32 = 0, storage: MemoryStorage
  ) throws -> (store: HashStore, entries: [StoreEntry]) {
    let store = try HashStore(order: order, maxIncarnations: max, storage: storage)
    var entries = Entries(seed: UInt64(order))
    let made = (0..<count).map { _ in entries.next() }
    for entry in made { try store.insert(entry) }
    return (store, made)
  }

  @Test("S10: a full log store is frozen, and the new entry goes into the fresh one")
  func s10WhenFull() throws {
    let store = try HashStore(order: 8, maxIncarnations: 0, storage: MemoryStorage())
    var entries = Entries(seed: 10)
    var all: [StoreEntry] = []
    while store.incarnationCount == 0 {
      all.append(entries.next())
      try store.insert(all.last!)
    }
    #expect(try store.lookup(all.last!.digest)?.origin == .logStore)
    for entry in all.dropLast() {
      let hit = try store.lookup(entry.digest)
      #expect(hit?.entry == entry)
      #expect(hit?.origin == .incarnation(sequence: 1))
    }
  }

  @Test("S10: the end freezes what is left, and nothing if nothing is left")
  func s10Finish() throws {
    let storage = MemoryStorage()
    let (store, entries) = try Self.filled(order: 5, count: 1, storage: storage)
    try store.finish()
    #expect(store.incarnationCount == 1)
    #expect(try store.lookup(entries[0].digest)?.origin == .incarnation(sequence: 1))
    try store.finish()
    #expect(store.incarnationCount == 1)
    #expect(storage.allocations == 1)
  }

  @Test("S10: the last freeze takes no memory for a filter, and is saved like the others")
  func s10Last() throws {
    let storages = [MemoryStorage(), MemoryStorage()]
    let stores = try storages.map { storage in
      try Self.filled(order: 5, count: 200, storage: storage).store
    }
    let ramBytes = stores[0].ramBytes
    try stores[0].finish(isLast: true)
    try stores[1].finish()
    #expect(stores[0].ramBytes == ramBytes)
    #expect(stores[0].dump == stores[1].dump)
    #expect(stores[0].statistics == stores[1].statistics)
    #expect(storages[0].bytes == storages[1].bytes)
  }

  @Test("S10: offset, filter, table and then the seal, in this order")
  func s10Order() throws {
    let storage = MemoryStorage()
    let (store, _) = try Self.filled(order: 4, count: 20, storage: storage)
    try store.finish()
    let start = MemoryStorage.firstOffset
    #expect(
      storage.calls == [
        .allocate(byteCount: 8192),
        .write(offset: start, byteCount: 4096),
        .write(offset: start + 4096, byteCount: 4096),
        .write(offset: start + (4096 - 64), byteCount: 64),
      ])
  }

  @Test(
    "S11 S13: a frozen incarnation has exactly these bytes", arguments: [1, 4, 5, 9, 11, 15, 16])
  func s11s13Bytes(order: Int) throws {
    let storage = MemoryStorage()
    let count = min(4 << order, 40_000) / 2
    let (store, entries) = try Self.filled(order: order, count: count, storage: storage)
    try store.finish()
    #expect(store.incarnationCount == 1)
    let decoded = try DecodedIncarnation(
      storage.bytes, order: order, offset: store.dump.incarnations[0])
    decoded.check(order: order)
    #expect(Set(decoded.entries.values) == Set(entries))
    #expect(decoded.trailer.sequence == 1)
  }

  @Test("S11 S13: reused space is overwritten completely", arguments: [2, 6, 10])
  func s13ReusedSpace(order: Int) throws {
    let storage = MemoryStorage()
    let (store, _) = try Self.filled(order: order, count: 2, storage: storage)
    try store.finish()
    let offset = store.dump.incarnations[0]
    store.forgetAll()
    let size = try StoreGeometry(order: order).incarnationBytes
    storage.overwrite(0xEE, in: Int(offset.bytes)..<Int(offset.bytes) + size)
    var entries = Entries(seed: 1)
    let entry = entries.next()
    try store.insert(entry)
    try store.finish()
    #expect(store.dump.incarnations == [offset])
    let decoded = try DecodedIncarnation(storage.bytes, order: order, offset: offset)
    decoded.check(order: order)
    #expect(Array(decoded.entries.values) == [entry])
    #expect(decoded.trailer.sequence == 2)
  }

  @Test("S13: zeros are left out of fresh space, but the last store cluster is written")
  func s13Sparse() throws {
    let storage = MemoryStorage()
    let store = try HashStore(order: 12, maxIncarnations: 0, storage: storage)
    let entry = StoreEntry(
      digest: Digest(high: 64, low: 1), physicalSector: 8, firstLogicalSector: 0)
    try store.insert(entry)
    try store.finish()
    let geometry = store.geometry
    let start = MemoryStorage.firstOffset
    let table = start + geometry.filterBytes
    #expect(
      storage.calls.dropFirst() == [
        .write(offset: start, byteCount: 4096),
        .write(offset: start + (geometry.filterBytes - 4096), byteCount: 4096),
        .write(offset: table + (2 * 4096), byteCount: 4096),
        .write(offset: table + (geometry.tableBytes - 4096), byteCount: 4096),
        .write(offset: start + geometry.trailerOffset, byteCount: 64),
      ])
  }

  @Test("S14: an entry in a wrong bucket is not frozen")
  func s14Misplaced() throws {
    let storage = MemoryStorage()
    let writer = try IncarnationWriter(geometry: StoreGeometry(order: 4), storage: storage)
    let free = StoreEntry(
      digest: Digest(high: 0, low: 0), physicalSector: 0, firstLogicalSector: 0)
    var slots = [StoreEntry](repeating: free, count: 64)
    slots[7 * 4] = StoreEntry(
      digest: Digest(high: 5, low: 6), physicalSector: 8, firstLogicalSector: 0)
    let region = Limbo.Region(offset: MemoryStorage.firstOffset, isFresh: true)
    let message = slots.withUnsafeBufferPointer { slots in
      do throws(StoreError) {
        try writer.write(slots, used: 1, sequence: 1, to: region)
        return "no error"
      } catch {
        return error.description
      }
    }
    #expect(
      message == """
        the hash store is damaged: digest 00000000000000050000000000000006 is in bucket 7, \
        must be in 5 or 6
        """)
    #expect(storage.calls.isEmpty)
  }
}
