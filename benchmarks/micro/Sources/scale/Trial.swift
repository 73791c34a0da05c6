import DedupStore
import Simulation

/// A store under trial, and what could be observed of it.
struct Trial {
  /// The store.
  let store: HashStore
  /// Where it keeps its incarnations.
  let storage: FileStorage
  /// The duplicates whose first copy the store found.
  private(set) var found: UInt64 = 0
  /// The duplicates that it did not find, because it had to forget the first copy.
  private(set) var missed: UInt64 = 0
  /// How many incarnations the lookups had to search to their end, all in all.
  private(set) var searched: UInt64 = 0
  /// How often the log store was full.
  private(set) var freezes: UInt64 = 0
  /// How many entries it held then, all in all.
  private(set) var frozenEntries: UInt64 = 0

  private var contents: UInt64 = 0
  private var writes: UInt64 = 0

  init(store: HashStore, storage: FileStorage) {
    self.store = store
    self.storage = storage
  }

  /// Goes through all clusters of a disk, then freezes what is left.
  ///
  /// - Throws: `StoreError`, or `WrongAnswer`.
  mutating func run(_ disk: SimulatedDisk) throws {
    var disk = disk
    var next = (announced(disk.next()), announced(disk.next()), announced(disk.next()))
    while let content = next.0 {
      next = (next.1, next.2, announced(disk.next()))
      try process(content)
    }
    try store.finish(isLast: true)
  }

  /// Tells the store that a content will be looked up, three lookups ahead as in a conversion.
  private func announced(_ content: UInt64?) -> UInt64? {
    if let content { store.prefetch(SimulatedContent.digest(content)) }
    return content
  }

  /// Does with a cluster what a conversion does: looks for its content, and stores it if it is not
  /// known.
  private mutating func process(_ content: UInt64) throws {
    let isNew = content == contents
    if isNew { contents += 1 }
    let entry = SimulatedContent.entry(content)
    if let hit = try store.lookup(entry.digest) {
      guard !isNew, hit.entry == entry else { throw WrongAnswer(content, "gave \(hit)") }
      found += 1
      if case .incarnation(let sequence) = hit.origin { searched += freezes - sequence }
      return
    }
    if !isNew {
      missed += 1
      guard freezes > store.incarnationCount else { throw WrongAnswer(content, "gave nothing") }
    }
    searched += UInt64(store.incarnationCount)
    try store.insert(entry)
    if storage.writes != writes { noteFreeze() }
  }

  /// The last insertion found the log store full.
  private mutating func noteFreeze() {
    writes = storage.writes
    freezes = store.statistics.freezes
    frozenEntries = store.statistics.insertions - 1
  }
}
