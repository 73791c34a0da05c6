import DedupStore

/// A log store that can be copied by reference, as the macros of the tests need it.
final class LogTable {
  private var store: LogStore

  init(order: Int) throws {
    store = try LogStore(geometry: StoreGeometry(order: order))
  }

  var count: Int { store.count }
  /// All slots, the free ones too.
  var slots: [StoreEntry] {
    Array(store.allSlots)
  }

  func insert(_ entry: StoreEntry) -> Bool { store.insert(entry) }
  func lookup(_ digest: Digest) -> StoreEntry? { store.lookup(digest) }
  func remove(_ entry: StoreEntry) -> Bool { store.remove(entry) }
  func reset() { store.reset() }
  func checkInvariants() throws { try store.checkInvariants() }
  var isDue: Bool { store.isDue }
}
