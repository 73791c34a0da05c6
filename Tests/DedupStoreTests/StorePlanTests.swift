import DedupStore
import DiskIO
import TestSupport
import Testing

/// What a store is made for when its memory is given.
@Suite struct StorePlanTests {
  /// A storage that keeps nothing.
  final class Nowhere: StoreStorage {
    func allocate(byteCount: UInt64) -> StorageOffset { 65536 }
    func read(into bytes: UnsafeMutableRawBufferPointer, at offset: StorageOffset) {
      bytes.initializeMemory(as: UInt8.self, repeating: 0)
    }
    func write(_ bytes: UnsafeRawBufferPointer, at offset: StorageOffset) {}
  }

  /// Some sizes of memory, from the smallest on, and some numbers of clusters.
  private static func cases(_ count: Int, upTo doublings: UInt64) -> [(UInt64, UInt64?)] {
    var random = SplitMix64(seed: 64)
    let smallest = StorePlan.memoryRange.lowerBound
    return [(smallest, nil)]
      + (0..<count).map { _ in
        let memory = (smallest + random.next() % smallest) << (random.next() % doublings)
        let clusters = random.next() >> (20 + random.next() % 44)
        return (memory, random.next() % 4 == 0 ? nil : clusters)
      }
  }

  @Test("A store that is filled to its limit, and beyond, never takes more than was said")
  func neverMore() throws {
    for (memory, clusters) in Self.cases(60, upTo: 4) {
      let plan = StorePlan(memory: memory, dataClusters: clusters)
      let store = try HashStore(
        order: plan.order, maxIncarnations: plan.maxIncarnations, storage: Nowhere(),
        keptTableBytes: plan.keptTableBytes)
      var entries = Entries(seed: memory)
      for _ in 0..<plan.maxIncarnations + 9 {
        try store.insert(entries.next())
        try store.finish()
        if store.ramBytes > memory { break }
      }
      #expect(store.ramBytes <= memory, "\(memory) bytes for \(clusters ?? 0) clusters: \(plan)")
      #expect(store.incarnationCount == Int(plan.maxIncarnations))
    }
  }

  @Test("What is to be remembered is, all of it", arguments: [1, 500, 8000, 30_000, 46_000])
  func remembers(clusters: UInt64) throws {
    for memory in [256 << 10, 300_000, 512 << 10, 4 << 20] as [UInt64] {
      let plan = StorePlan(memory: memory, dataClusters: clusters)
      #expect(plan.rememberedEntries >= clusters)
      let store = try HashStore(
        order: plan.order, maxIncarnations: plan.maxIncarnations, storage: MemoryStorage(),
        keptTableBytes: plan.keptTableBytes)
      var entries = Entries(seed: clusters)
      let known = (0..<clusters).map { _ in entries.next() }
      for entry in known { try store.insert(entry) }
      #expect(store.statistics.forgotten == 0)
      #expect(store.rememberedEntries == plan.rememberedEntries)
      #expect(store.ramBytes <= memory)
      #expect(known.allSatisfy { (try? store.lookup($0.digest))??.entry == $0 })
    }
  }

  @Test("What a store is said to remember, it does, however many come")
  func remembersTheLast() throws {
    let plan = StorePlan(memory: 256 << 10, dataClusters: 1 << 30)
    let store = try HashStore(
      order: plan.order, maxIncarnations: plan.maxIncarnations, storage: MemoryStorage())
    var entries = Entries(seed: 5)
    var known: [StoreEntry] = []
    var missed: UInt64 = 0
    for _ in 0..<3 * plan.rememberedEntries {
      known.append(entries.next())
      try store.insert(known.last!)
    }
    for entry in known.suffix(Int(plan.rememberedEntries)) {
      #expect(try store.lookup(entry.digest)?.entry == entry)
    }
    for entry in known where try store.lookup(entry.digest) == nil { missed += 1 }
    #expect(missed == store.statistics.forgottenEntries)
    #expect(missed > plan.rememberedEntries)
  }

  @Test("No order would do better")
  func best() {
    for (memory, clusters) in Self.cases(3000, upTo: 23) {
      let plan = StorePlan(memory: memory, dataClusters: clusters)
      // Where there is room for the log store, the filters of eight incarnations, and buffers.
      let others = StoreGeometry.validOrders.filter { (192 << $0) + 139_392 <= Int(memory) }
        .map { StorePlan(memory: memory, dataClusters: clusters, order: $0) }
      let most = others.map(\.rememberedEntries).max()!
      let wanted = clusters ?? .max
      #expect(plan.rememberedEntries >= min(wanted, most - most / 8), "\(memory) \(wanted)")
      #expect((1...1024).contains(plan.maxIncarnations))
      #expect(others.contains(plan))
      guard let clusters, plan.rememberedEntries >= clusters else { continue }
      let incarnations = plan.rememberedEntries / UInt64(plan.maxIncarnations)
      for other in others where other.rememberedEntries >= clusters && other.order > plan.order {
        let each = other.rememberedEntries / UInt64(other.maxIncarnations)
        #expect((clusters + each - 1) / each >= (clusters + incarnations - 1) / incarnations)
      }
    }
  }

  @Test(
    "Some amounts of memory give the orders that are expected",
    arguments: [
      (256 << 10, nil, 7, 96), (64 << 20, nil, 15, 232), (1 << 30, nil, 19, 232),
      (64 << 20, 1000, 9, 1024), (64 << 20, 2_621_440, 18, 8), (1 << 30, 1 << 28, 21, 40),
    ] as [(UInt64, UInt64?, Int, UInt32)])
  func examples(memory: UInt64, clusters: UInt64?, order: Int, maxIncarnations: UInt32) {
    let plan = StorePlan(memory: memory, dataClusters: clusters)
    #expect(plan.order == order)
    #expect(plan.maxIncarnations == maxIncarnations)
  }

  @Test("What is given is not chosen")
  func given() {
    let free = StorePlan(memory: 64 << 20, dataClusters: nil)
    #expect(StorePlan(memory: 64 << 20, dataClusters: nil, order: 9).order == 9)
    let limited = StorePlan(memory: 64 << 20, dataClusters: nil, maxIncarnations: 5)
    #expect(limited.maxIncarnations == 5)
    #expect(limited.order > free.order)
    #expect(StorePlan(memory: 64 << 20, dataClusters: nil, maxIncarnations: 0).maxIncarnations == 0)
    let large = StorePlan(memory: 1 << 20, dataClusters: nil, order: 20)
    #expect(large.order == 20)
    #expect(large.maxIncarnations == 1)
  }
}
