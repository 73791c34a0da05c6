import DedupStore
import DiskIO
import Synchronization
import TestSupport
import Testing

/// A store that is opened, used and saved again and again, as that of a file with versions, against a
/// dictionary. Some runs end without being saved, as after a crash.
@Suite struct AcrossRunsTests {
  /// A file that stores are saved in. It knows what a run may write to: what it was given, and what
  /// the saved lists call limbo.
  private final class RunStorage: StoreStorage, Sendable {
    private struct State {
      var bytes: [UInt8] = []
      var regions: Set<UInt64> = []
      var free: [UInt64] = []
      var writable: Set<UInt64> = []
      var violations: [UInt64] = []
    }

    private let state = Mutex(State())
    private let regionBytes: UInt64

    init(_ geometry: StoreGeometry) {
      regionBytes = UInt64(geometry.incarnationBytes)
    }

    /// Where something was written that nobody may write to.
    var violations: [UInt64] { state.withLock { $0.violations } }
    /// How many regions the file has ever had.
    var regionCount: Int { state.withLock { $0.regions.count } }

    /// Begins a run on the store with these lists; nil for a new one.
    func begin(_ dump: StoreDump?) {
      state.withLock { state in
        let used = Set(((dump?.incarnations ?? []) + (dump?.limbo ?? [])).map(\.bytes))
        state.free = state.regions.subtracting(used).sorted(by: >)
        state.writable = Set((dump?.limbo ?? []).map(\.bytes))
      }
    }

    func allocate(byteCount: UInt64) -> StorageOffset {
      state.withLock { state in
        let region = state.free.popLast() ?? UInt64(state.bytes.count)
        if state.regions.insert(region).inserted {
          state.bytes += [UInt8](repeating: 0, count: Int(regionBytes))
        } else {
          let range = Int(region)..<Int(region + regionBytes)
          state.bytes.replaceSubrange(range, with: repeatElement(0, count: range.count))
        }
        state.writable.insert(region)
        return StorageOffset(region)
      }
    }

    func read(
      into target: UnsafeMutableRawBufferPointer, at offset: StorageOffset
    ) throws(IOError) {
      let (start, count) = (Int(offset.bytes), target.count)
      let part = state.withLock { Array($0.bytes[start..<start + count]) }
      target.copyBytes(from: part)
    }

    func write(_ source: UnsafeRawBufferPointer, at offset: StorageOffset) throws(IOError) {
      let (start, new) = (Int(offset.bytes), Array(source))
      state.withLock { state in
        let region = offset.bytes / regionBytes * regionBytes
        if !state.writable.contains(region) { state.violations.append(region) }
        state.bytes.replaceSubrange(start..<start + new.count, with: new)
      }
    }
  }

  @Test(
    "S15–S22: over many runs, saved or not, the store knows what a dictionary knows, and writes to no region that the saved lists need",
    arguments: 1...8)
  func runs(seed: UInt64) throws {
    var random = SplitMix64(seed: 7000 + seed)
    let order = 2 + Int(seed % 3)
    let limit = UInt32(2 + seed % 4)
    let geometry = try StoreGeometry(order: order)
    let storage = RunStorage(geometry)
    var entries = Entries(seed: 7100 + seed)
    var model: [Digest: StoreEntry] = [:]
    var dump: StoreDump?
    var (saved, lost, forgotten) = (0, 0, UInt64(0))
    for run in 0..<80 {
      storage.begin(dump)
      let store = try open(dump, order, limit, storage)
      for (digest, entry) in model {
        #expect(try store.lookup(digest)?.entry == entry, "run \(run)")
      }
      var changed = model
      for _ in 0..<random.next() % UInt64(geometry.entryCount * 3) {
        let new = entries.next()
        let known = random.next() % 10 == 0 ? model.keys.min { $0.high < $1.high } : nil
        let entry = StoreEntry(
          digest: known ?? new.digest, physicalSector: new.physicalSector,
          firstLogicalSector: new.firstLogicalSector)
        let leftOut = store.statistics.entriesLeftOut
        try store.insert(entry)
        if store.statistics.entriesLeftOut == leftOut { changed[entry.digest] = entry }
      }
      for (digest, entry) in changed {
        // What is not the newest has been forgotten with it, so an older one is never found.
        let found = try store.lookup(digest)?.entry
        #expect(found == nil || found == entry, "run \(run)")
      }
      try store.checkInvariants()
      if random.next() % 4 == 0 {
        lost += 1
        continue
      }
      try store.finish(isLast: true)
      saved += 1
      forgotten += store.statistics.forgotten
      let newDump = store.dump
      #expect(newDump.incarnations.count <= Int(limit), "run \(run)")
      var known: [Digest: StoreEntry] = [:]
      try SavedEntries(newDump, in: storage).forEach { known[$0.digest] = $0 }
      for (digest, entry) in known { #expect(changed[digest] == entry, "run \(run)") }
      if store.statistics.forgotten == 0 { #expect(known.count == changed.count, "run \(run)") }
      #expect(known.count >= min(changed.count, (Int(limit) - 1) * geometry.entryCount / 3))
      (model, dump) = (known, newDump)
    }
    #expect(storage.violations == [])
    // Each run may forget as many as there are, whose room the next one takes.
    #expect(storage.regionCount <= 3 * Int(limit) + 4, "\(storage.regionCount) regions")
    #expect(saved > 40 && lost > 5 && forgotten > 0)
  }

  private func open(
    _ dump: StoreDump?, _ order: Int, _ limit: UInt32, _ storage: RunStorage
  ) throws -> HashStore {
    guard let dump else {
      return try HashStore(order: order, maxIncarnations: limit, storage: storage)
    }
    let store = try HashStore(
      opening: dump, maxIncarnations: limit, storage: storage, keepsForgotten: true)
    store.waitUntilLoaded()
    #expect(store.openingProblems.isEmpty)
    try store.thawYoungest()
    return store
  }

  @Test("The entries of saved incarnations come oldest first, each once")
  func savedEntries() throws {
    let memory = MemoryStorage()
    let store = try HashStore(order: 11, maxIncarnations: 0, storage: memory)
    var random = Entries(seed: 7200)
    let all = (0..<9000).map { _ in random.next() }
    for (index, entry) in all.enumerated() {
      try store.insert(entry)
      if index % 3000 == 2999 { try store.finish() }
    }
    var found: [StoreEntry] = []
    try SavedEntries(store.dump, in: memory).forEach { found.append($0) }
    #expect(found.count == all.count)
    for part in 0..<3 {
      #expect(
        Set(found[(part * 3000)..<(part * 3000 + 3000)])
          == Set(all[(part * 3000)..<(part * 3000 + 3000)]))
    }
  }
}
