import DedupStore
import Testing
import TestSupport

/// Tables that stay in RAM after they have been frozen.
@Suite struct KeptTableTests {
  /// The bytes of a table of order 5.
  private let tableBytes = 128 * 32

  private func store(
    keeping count: Int, maxIncarnations: UInt32 = 0, _ storage: MemoryStorage
  ) throws -> HashStore {
    try HashStore(
      order: 5, maxIncarnations: maxIncarnations, storage: storage,
      keptTableBytes: count * tableBytes + tableBytes / 2)
  }

  @Test(
    "Hits in the youngest incarnations read nothing, older ones a bucket", arguments: [0, 1, 3])
  func youngestAreKept(count: Int) throws {
    let storage = MemoryStorage()
    let store = try store(keeping: count, storage)
    var entries = Entries(seed: 44)
    var frozen: [StoreEntry] = []
    for _ in 0..<20 {
      frozen.append(entries.next())
      try store.insert(frozen.last!)
      try store.finish()
    }
    storage.forgetCalls()
    for entry in frozen.suffix(count) { #expect(try store.lookup(entry.digest)?.entry == entry) }
    #expect(storage.reads == 0)
    for entry in frozen.dropLast(count) {
      #expect(try store.lookup(entry.digest)?.entry == entry)
    }
    #expect(storage.reads >= 20 - count)
  }

  @Test("What is kept counts as memory, and goes when it is forgotten")
  func memory() throws {
    let store = try store(keeping: 3, maxIncarnations: 2, MemoryStorage())
    let ramBytes = store.ramBytes
    var entries = Entries(seed: 45)
    let filterBytes = 64 << 5
    for round in 1...9 {
      try store.insert(entries.next())
      try store.finish()
      #expect(store.ramBytes == ramBytes + filterBytes + min(round, 2) * tableBytes)
    }
    store.forgetAll()
    #expect(store.ramBytes <= ramBytes + filterBytes)
  }

  @Test("S33: an entry of a kept table that was removed is not found again, also not on disk")
  func removed() throws {
    let storage = MemoryStorage()
    let store = try store(keeping: 1, storage)
    var entries = Entries(seed: 33)
    let (kept, gone) = (entries.next(), entries.next())
    try store.insert(kept)
    try store.insert(gone)
    try store.finish()
    storage.forgetCalls()
    #expect(try store.remove(gone))
    #expect(try store.lookup(gone.digest) == nil)
    #expect(storage.reads == 0)
    try store.insert(entries.next())
    try store.finish()
    #expect(try store.lookup(gone.digest) == nil)
    #expect(try store.lookup(kept.digest)?.entry == kept)
    #expect(storage.reads > 0)
  }

  @Test("What is on disk does not depend on what is kept")
  func sameBytes() throws {
    let storages = try [0, 2].map { count in
      let storage = MemoryStorage()
      let store = try store(keeping: count, maxIncarnations: 5, storage)
      var entries = Entries(seed: 46)
      for _ in 0..<2_000 { try store.insert(entries.next()) }
      try store.finish(isLast: true)
      return storage
    }
    #expect(storages[0].bytes == storages[1].bytes)
  }
}
