import DedupStore
import Testing
import TestSupport

/// The store against the model, with random operations from seeds.
@Suite struct HashStoreModelTests {
  @Test(
    "S7 S17 S18 S22: the store agrees with the model",
    arguments: [1, 2, 3, 4], [0, 1, 2, 5, 17, 40])
  func agreesWithModel(order: Int, maxIncarnations: Int) throws {
    // Tables stay in RAM, some of them, at two orders.
    let keptTableBytes = order % 2 * 6 * 4096
    var run = try ModelRun(
      order: order, maxIncarnations: maxIncarnations, keptTableBytes: keptTableBytes)
    let operations = maxIncarnations == 0 ? 4_000 : 30_000
    for _ in 0..<operations {
      try run.step()
      try run.store.checkInvariants()
    }
    try run.compareAll()
    #expect(run.store.statistics.freezes > 40)
    if maxIncarnations != 0 {
      #expect(run.store.statistics.limboReuses > 100)
      #expect(run.storage.allocations <= maxIncarnations + 1)
    }
  }
}

/// A store and its model, driven side by side.
struct ModelRun {
  let storage = MemoryStorage()
  let store: HashStore
  private var model: StoreModel
  private var entries: Entries
  private let digests: [Digest]
  private var freezes: UInt64 = 0

  init(order: Int, maxIncarnations: Int, keptTableBytes: Int) throws {
    store = try HashStore(
      order: order, maxIncarnations: UInt32(maxIncarnations), storage: storage,
      keptTableBytes: keptTableBytes)
    model = StoreModel(order: order, maxIncarnations: maxIncarnations)
    entries = Entries(seed: UInt64(order))
    var digests: [Digest] = []
    for _ in 0..<(64 << order) { digests.append(entries.digest()) }
    self.digests = digests
  }

  mutating func step() throws {
    let digest = digests.randomElement(using: &entries.generator)!
    switch entries.generator.next() % 100 {
    case 0..<50: try insert(entries.next(digest))
    case 50..<90: try compare(digest)
    case 90..<98: try remove(digest)
    case 98: try finish()
    default: if entries.generator.next() % 40 == 0 { forgetAll() }
    }
  }

  func compareAll() throws {
    for digest in digests { try compare(digest) }
    #expect(store.statistics.entries == UInt64(model.entries))
    #expect(store.incarnationCount == model.incarnationCount)
    #expect(store.dump.limbo.count == store.limboCount)
  }

  private mutating func insert(_ entry: StoreEntry) throws {
    let leftOut = store.statistics.entriesLeftOut
    try store.insert(entry)
    followFreeze()
    if store.statistics.entriesLeftOut == leftOut {
      model.insert(entry)
    } else {
      model.leaveOut(entry)
    }
  }

  private mutating func finish() throws {
    try store.finish()
    followFreeze()
  }

  private mutating func forgetAll() {
    store.forgetAll()
    model.forgetAll()
  }

  private mutating func remove(_ digest: Digest) throws {
    guard let entry = model.lookup(digest) else { return }
    #expect(try store.remove(entry))
    model.remove(entry)
    try compare(digest)
  }

  private func compare(_ digest: Digest) throws {
    let found = try store.lookup(digest)
    if found?.entry != model.lookup(digest) {
      Issue.record("found \(String(describing: found)) for \(digest)")
    }
  }

  private mutating func followFreeze() {
    guard store.statistics.freezes != freezes else { return }
    freezes = store.statistics.freezes
    model.freeze()
  }
}
