/// What a lookup found. It is a hint: the caller compares the bytes before it shares them (S34).
public struct StoreHit: Hashable, Sendable {
  /// Where in the store an entry was found.
  public enum Origin: Hashable, Sendable {
    /// The table in RAM that is being filled.
    case logStore
    /// An incarnation on disk, named by the number of its freeze.
    case incarnation(sequence: UInt64)
  }

  /// The entry, decoded (S25).
  public let entry: StoreEntry
  /// Where it was found.
  public let origin: Origin
}

/// What a store has done so far. All values are counts, none are bytes.
public struct StoreStatistics: Hashable, Sendable {
  /// Lookups asked for.
  public internal(set) var lookups: UInt64 = 0
  /// Lookups answered from the log store, or from what was left out of it.
  public internal(set) var logStoreHits: UInt64 = 0
  /// Lookups answered from an incarnation.
  public internal(set) var incarnationHits: UInt64 = 0
  /// Buckets looked at because a tag matched, although no digest in them did.
  public internal(set) var falsePositives: UInt64 = 0
  /// Entries inserted into the log store.
  public internal(set) var insertions: UInt64 = 0
  /// Entries that will not be saved because both their buckets, and all that could make room in
  /// them, were full in a table that was not (S7). Only content that was chosen for it has many.
  public internal(set) var entriesLeftOut: UInt64 = 0
  /// Entries dropped by `remove`.
  public internal(set) var removals: UInt64 = 0
  /// Incarnations written; the youngest one carries this number as its sequence.
  public internal(set) var freezes: UInt64 = 0
  /// Incarnations forgotten.
  public internal(set) var forgotten: UInt64 = 0
  /// Entries in incarnations that were forgotten while lookups could still ask for them.
  public internal(set) var forgottenEntries: UInt64 = 0
  /// Incarnations written into limbo space.
  public internal(set) var limboReuses: UInt64 = 0
  /// Entries that a lookup can find now.
  public internal(set) var entries: UInt64 = 0

  /// All zero.
  public init() {}
}
