import DedupStore
import TestSupport

/// What a store must do, said with dictionaries: what it knows, what it forgot, and in which order.
struct StoreModel {
  let maxIncarnations: Int
  private var logStore: [Digest: StoreEntry] = [:]
  /// What the log store had no slot for, as far as there was room.
  private var leftOut: [Digest: StoreEntry] = [:]
  private let leftOutLimit: Int
  /// Youngest first.
  private var frozen: [[Digest: StoreEntry]] = []

  init(order: Int, maxIncarnations: Int) {
    self.maxIncarnations = maxIncarnations
    leftOutLimit = 1 << order
  }

  func lookup(_ digest: Digest) -> StoreEntry? {
    if let entry = logStore[digest] ?? leftOut[digest] { return entry }
    return frozen.lazy.compactMap { $0[digest] }.first
  }

  mutating func insert(_ entry: StoreEntry) {
    logStore[entry.digest] = entry
    leftOut[entry.digest] = nil
  }

  mutating func leaveOut(_ entry: StoreEntry) {
    guard leftOut.count < leftOutLimit || leftOut[entry.digest] != nil else { return }
    leftOut[entry.digest] = entry
  }

  mutating func remove(_ entry: StoreEntry) {
    if logStore[entry.digest] == entry {
      logStore[entry.digest] = nil
    } else if leftOut[entry.digest] == entry {
      leftOut[entry.digest] = nil
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
    leftOut = [:]
    frozen = []
  }

  var entries: Int { logStore.count + frozen.reduce(0) { $0 + $1.count } }
  var incarnationCount: Int { frozen.count }
}
