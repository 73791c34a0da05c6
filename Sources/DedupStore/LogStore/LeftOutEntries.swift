/// Entries that found no slot in a log store that is not full yet (S7), while RAM has room for them.
///
/// With ordinary content there are none. Content that was chosen so that its digests share buckets
/// would otherwise be stored again with each repetition. Lookups find these entries as long as the
/// store is in use; they are in no incarnation, so a store that is opened later does not know them.
///
/// Cost: nothing while it is empty; a hashed lookup for each miss of the log store otherwise, and at
/// most `limit` entries of some 72 bytes.
struct LeftOutEntries {
  private var entries: [Digest: StoreEntry] = [:]
  /// How many entries are kept; a quarter of what the log store holds, so that small stores stay
  /// small.
  private let limit: Int

  /// No entries, beside a log store of this geometry.
  init(_ geometry: StoreGeometry) {
    limit = min(Self.mostEntries, geometry.entryCount / 4)
  }

  /// The bytes of memory in use.
  var ramBytes: Int { entries.capacity * Self.bytesEach }

  /// The entry with this digest, if it was left out.
  func lookup(_ digest: Digest) -> StoreEntry? { entries[digest] }

  /// Keeps an entry, in place of one with the same digest, if there is room.
  mutating func insert(_ entry: StoreEntry) {
    guard entries.count < limit || entries[entry.digest] != nil else { return }
    entries[entry.digest] = entry
  }

  /// Drops what has this digest, because a younger entry with it is elsewhere.
  mutating func drop(_ digest: Digest) {
    entries[digest] = nil
  }

  /// Drops this very entry.
  ///
  /// - Returns: Whether it was there.
  mutating func remove(_ entry: StoreEntry) -> Bool {
    guard lookup(entry.digest) == entry else { return false }
    entries[entry.digest] = nil
    return true
  }

  /// Drops all.
  mutating func removeAll() { entries = [:] }

  private static let mostEntries = 16_384
  /// A digest, an entry and a third more for the table's free places.
  private static let bytesEach = 72
}
