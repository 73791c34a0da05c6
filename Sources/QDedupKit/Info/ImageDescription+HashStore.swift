extension ImageDescription {
  /// The hash store that an image carries.
  public struct HashStore: Codable, Equatable, Sendable {
    /// Whether all that was looked at is right: the feature bit, and version, marks and checksums of
    /// header extension, lists and trailers. What stands in the incarnations is for a check.
    public var isValid: Bool
    /// The same in the words of a check, as far as can be told without one.
    public var state: StoreState
    /// Why it is stale or damaged; nil if it is valid.
    public var problem: String?
    /// The order of its tables; nil if its lists cannot be read, like what follows.
    public var order: Int?
    /// How many entries an incarnation has room for.
    public var entriesPerIncarnation: UInt64?
    /// The most incarnations that it keeps; 0 for no limit.
    public var maxIncarnations: UInt32?
    /// How many incarnations it has.
    public var incarnationCount: Int
    /// How many areas of forgotten incarnations wait to be used again.
    public var limboCount: Int
    /// Its incarnations, youngest first: the first 1,000 at most.
    public var incarnations: [Incarnation]
    /// Where the areas of forgotten incarnations begin, newest first: the first 1,000 at most.
    public var limbo: [UInt64]
    /// How many entries its incarnations have in all.
    public var usedEntries: UInt64
    /// What the incarnations and limbo areas take, in whole clusters of the image.
    public var bytesOnDisk: UInt64
  }

  /// An incarnation of a hash store.
  public struct Incarnation: Codable, Equatable, Sendable {
    /// Where it begins in the file.
    public var offset: UInt64
    /// The number of the freeze that wrote it; nil if its trailer is damaged, like what follows.
    public var sequence: UInt64?
    /// How many entries it has.
    public var usedEntries: UInt64?
  }
}
