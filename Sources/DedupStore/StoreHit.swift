/// What a lookup found. It is a hint: whoever uses it compares the bytes before sharing (S34).
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
