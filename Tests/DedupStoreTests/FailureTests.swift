import DedupStore
import DiskIO
import Testing
import TestSupport

/// Failing storage: an error is reported, and the store goes on as if the call had not been made.
@Suite struct FailureTests {
  /// What must not change when an insert or the end fails.
  struct State: Equatable {
    let incarnations: [StorageOffset]
    let found: [StoreEntry?]

    init(_ store: HashStore, _ entries: [StoreEntry]) throws {
      incarnations = store.dump.incarnations
      found = try entries.map { try store.lookup($0.digest)?.entry }
    }
  }

  @Test("S12 S16: any call of a freeze may fail", arguments: 0..<5, [0, 1, 3] as [UInt32])
  func s12s16AnyCall(call: Int, max: UInt32) throws {
    let storage = MemoryStorage()
    // With every second call, two tables stay in RAM.
    let store = try HashStore(
      order: 2, maxIncarnations: max, storage: storage, keptTableBytes: call % 2 * 8192)
    var entries = Entries(seed: 12)
    var all: [StoreEntry] = []
    var failures = 0
    var leftOut: UInt64 = 0
    for _ in 0..<200 {
      let entry = entries.next()
      let before = try State(store, all)
      storage.callsUntilFailure = call
      do {
        try store.insert(entry)
        storage.callsUntilFailure = nil
      } catch {
        storage.callsUntilFailure = nil
        failures += 1
        #expect(try State(store, all) == before)
        #expect(try store.lookup(entry.digest) == nil)
        try store.insert(entry)
      }
      // In so small a table, chance leaves an entry out now and then.
      if store.statistics.entriesLeftOut > leftOut {
        leftOut += 1
        continue
      }
      all.append(entry)
      #expect(try store.lookup(entry.digest)?.entry == entry)
    }
    #expect(leftOut < 20)
    // Only a fresh region needs the fourth call; the fifth is never made.
    if call < 3 { #expect(failures > 10) }
    if call == 4 { #expect(failures == 0) }
    if max != 0 { #expect(storage.allocations <= Int(max) + 1 + (call == 0 ? Int(max) + 1 : 0)) }
  }

  @Test("S16: a failed allocation leaves the store as it was")
  func s16Allocation() throws {
    let storage = MemoryStorage()
    let (store, entries) = try FreezeTests.filled(order: 4, count: 9, storage: storage)
    storage.callsUntilFailure = 0
    let error = #expect(throws: StoreError.self) { try store.finish() }
    #expect(
      error?.description
        == "cannot allocate 8192 bytes for an incarnation of the hash store: Full()")
    #expect(store.incarnationCount == 0)
    #expect(store.limboCount == 0)
    #expect(store.statistics.freezes == 0)
    for entry in entries { #expect(try store.lookup(entry.digest)?.origin == .logStore) }
  }

  @Test("S12 S16: limbo space of a failed freeze goes back to its place", arguments: 0..<3)
  func s16LimboGoesBack(call: Int) throws {
    let storage = MemoryStorage()
    let store = try HashStore(order: 2, maxIncarnations: 0, storage: storage)
    var entries = Entries(seed: 16)
    for _ in 0..<3 {
      try store.insert(entries.next())
      try store.finish()
    }
    store.forgetAll()
    let limbo = store.dump.limbo
    #expect(limbo.count == 3)
    try store.insert(entries.next())
    storage.callsUntilFailure = call
    let error = #expect(throws: StoreError.self) { try store.finish() }
    #expect(error?.description.hasPrefix("cannot write memory at byte ") == true)
    #expect(store.dump.limbo == limbo)
    try store.finish()
    #expect(store.dump.limbo == Array(limbo.dropLast()))
    #expect(store.dump.incarnations == [limbo.last!])
    #expect(storage.allocations == 3)
  }

  @Test("S12: fresh space of a failed freeze is the next to be used", arguments: 1..<4)
  func s12FreshSpaceIsKept(call: Int) throws {
    let storage = MemoryStorage()
    let (store, entries) = try FreezeTests.filled(order: 4, count: 9, storage: storage)
    storage.callsUntilFailure = call
    #expect(throws: StoreError.self) { try store.finish() }
    #expect(store.incarnationCount == 0)
    #expect(store.limboCount == 1)
    try store.finish()
    #expect(storage.allocations == 1)
    #expect(store.limboCount == 0)
    let decoded = try DecodedIncarnation(
      storage.bytes, order: 4, offset: store.dump.incarnations[0])
    decoded.check(order: 4)
    #expect(Set(decoded.entries.values) == Set(entries))
  }

  @Test("S25: a read error is one, with its place, and the next lookup is fine")
  func s25ReadError() throws {
    let storage = MemoryStorage()
    let (store, entries) = try FreezeTests.filled(order: 4, count: 9, storage: storage)
    try store.finish()
    storage.callsUntilFailure = 0
    let error = #expect(throws: StoreError.self) { try store.lookup(entries[0].digest) }
    // The table begins after the filter area of 4096 bytes; a bucket has 128 bytes.
    let decoded = try DecodedIncarnation(
      storage.bytes, order: 4, offset: store.dump.incarnations[0])
    let slot = try #require(decoded.entries.first { $0.value == entries[0] }?.key)
    let place = Int(store.dump.incarnations[0].bytes) + 4096 + slot / 4 * 128
    #expect(error?.description == "cannot read memory at byte \(place): Input/output error")
    #expect(try store.lookup(entries[0].digest)?.entry == entries[0])
  }
}
