import DedupStore
import DiskIO
import Testing
import TestSupport

@Suite struct LogStoreTests {
  @Test("S6: a new log store is empty, and a reset one is again", arguments: [1, 5, 9])
  func s06Reset(order: Int) throws {
    let store = try LogStore(geometry: StoreGeometry(order: order))
    var entries = Entries(seed: 6)
    var stored: [StoreEntry] = []
    #expect(store.count == 0)
    for _ in 0..<(2 << order) {
      let entry = entries.next()
      if store.insert(entry) { stored.append(entry) }
    }
    #expect(store.count == stored.count)
    store.reset()
    #expect(store.count == 0)
    #expect(stored.allSatisfy { store.lookup($0.digest) == nil })
  }

  @Test("S7: the table fills far, and a failed insert changes nothing", arguments: 1...12)
  func s07Insert(order: Int) throws {
    for seed in 1...8 as ClosedRange<UInt64> {
      let store = try LogStore(geometry: StoreGeometry(order: order))
      var entries = Entries(seed: seed)
      var stored: [StoreEntry] = []
      var entry = entries.next()
      while store.insert(entry) {
        stored.append(entry)
        entry = entries.next()
      }
      let before = Array(store.allSlots)
      #expect(!store.insert(entry))
      #expect(before == Array(store.allSlots))
      #expect(store.lookup(entry.digest) == nil)
      #expect(stored.allSatisfy { store.lookup($0.digest) == $0 })
      #expect(store.count == stored.count)
      if order >= 7 { #expect(stored.count * 100 >= (4 << order) * 92) }
    }
  }

  @Test("S7: entries move along a path when both buckets are full")
  func s07Displacement() throws {
    let store = try LogStore(geometry: StoreGeometry(order: 2))
    // Four entries of buckets 0 and 1 fill bucket 0, four of buckets 1 and 2 fill bucket 1.
    for high in 0..<8 as Range<UInt64> {
      let h1: UInt64 = high < 4 ? 0 : 1
      let digest = Digest(high: high << 8 | h1, low: h1 + 1)
      #expect(
        store.insert(StoreEntry(digest: digest, physicalSector: 8, firstLogicalSector: high)))
    }
    // Room for this one is only made when one of bucket 1 goes to bucket 2.
    let last = StoreEntry(
      digest: Digest(high: 0xFF00, low: 0xFF01), physicalSector: 8, firstLogicalSector: 9)
    #expect(store.insert(last))
    #expect(store.lookup(last.digest) == last)
    #expect(store.count == 9)
    #expect(!store.allSlots[8].isEmpty)
  }

  @Test("S7: an entry with the digest of another replaces it")
  func s07Replacement() throws {
    let store = try LogStore(geometry: StoreGeometry(order: 1))
    var entries = Entries(seed: 3)
    let digest = entries.digest()
    for count in 1...20 {
      let entry = entries.next(digest)
      #expect(store.insert(entry))
      #expect(store.lookup(digest) == entry)
      #expect(store.count == 1, "after \(count)")
    }
  }

  @Test("S7 S8: the log store agrees with a dictionary", arguments: [1, 2, 3, 4, 8])
  func s08Model(order: Int) throws {
    let store = try LogStore(geometry: StoreGeometry(order: order))
    var entries = Entries(seed: UInt64(order))
    var model: [Digest: StoreEntry] = [:]
    let digests = (0..<(6 << order)).map { _ in entries.digest() }
    for _ in 0..<20_000 {
      let digest = digests.randomElement(using: &entries.generator)!
      if entries.generator.next() % 3 == 0 {
        let known = model.removeValue(forKey: digest)
        #expect(store.remove(known ?? entries.next(digest)) == (known != nil))
      } else {
        let entry = entries.next(digest)
        if store.insert(entry) { model[digest] = entry }
      }
      if store.lookup(digest) != model[digest] { Issue.record("differs for \(digest)") }
      try store.checkInvariants()
    }
    #expect(store.count == model.count)
    #expect(digests.allSatisfy { store.lookup($0) == model[$0] })
  }

  @Test("S8: only the very entry is removed")
  func s08OtherEntryStays() throws {
    let store = try LogStore(geometry: StoreGeometry(order: 4))
    var entries = Entries(seed: 8)
    let entry = entries.next()
    #expect(store.insert(entry))
    #expect(!store.remove(entries.next(entry.digest)))
    #expect(store.lookup(entry.digest) == entry)
    #expect(store.remove(entry))
    #expect(store.lookup(entry.digest) == nil)
  }

  @Test("S7: a free slot is never found, not even for a digest of zeros")
  func s07ZeroDigest() throws {
    let store = try LogStore(geometry: StoreGeometry(order: 3))
    let zero = Digest(high: 0, low: 0)
    #expect(store.lookup(zero) == nil)
    let entry = StoreEntry(digest: zero, physicalSector: 1, firstLogicalSector: 0)
    #expect(store.insert(entry))
    #expect(store.lookup(zero) == entry)
  }

  @Test("S7: the same entries in the same order give the same table")
  func s07Deterministic() throws {
    func table() throws -> [StoreEntry] {
      let store = try LogStore(geometry: StoreGeometry(order: 8))
      var entries = Entries(seed: 77)
      while store.insert(entries.next()) {}
      return Array(store.allSlots)
    }
    #expect(try table() == table())
  }

  @Test("S6: more memory than there is gives an error that says so")
  func s06Memory() {
    let error = #expect(throws: IOError.self) {
      _ = try ZeroedBuffer(byteCount: Int.max / 2, purpose: "a test")
    }
    #expect(error?.description == "cannot allocate memory for a test: Cannot allocate memory")
  }
}
