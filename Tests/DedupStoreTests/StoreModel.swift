import DedupStore
import TestSupport

/// What a store must do, said with dictionaries: what it knows, what it forgot, and in which order.
struct StoreModel {
  let maxIncarnations: Int
  private var logStore: [Digest: StoreEntry] = [:]
  /// Youngest first.
  private var frozen: [[Digest: StoreEntry]] = []

  init(maxIncarnations: Int) {
    self.maxIncarnations = maxIncarnations
  }

  func lookup(_ digest: Digest) -> StoreEntry? {
    if let entry = logStore[digest] { return entry }
    return frozen.lazy.compactMap { $0[digest] }.first
  }

  mutating func insert(_ entry: StoreEntry) {
    logStore[entry.digest] = entry
  }

  mutating func remove(_ entry: StoreEntry) {
    if logStore[entry.digest] == entry {
      logStore[entry.digest] = nil
    } else if let index = frozen.firstIndex(where: { $0[entry.digest] == entry }) {
      frozen[index][entry.digest] = nil
    }
  }

  mutating func freeze() {
    while maxIncarnations != 0 && frozen.count >= maxIncarnations { frozen.removeLast() }
    frozen.insert(logStore, at: 0)
    logStore = [:]
  }

  mutating func forgetAll() {
    logStore = [:]
    frozen = []
  }

  var entries: Int { logStore.count + frozen.reduce(0) { $0 + $1.count } }
  var incarnationCount: Int { frozen.count }
}
