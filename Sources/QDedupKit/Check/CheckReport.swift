public import QCOW2

/// What a check of an image found. Its JSON form has the names in snake case; sizes and offsets are
/// in bytes.
public struct CheckReport: Codable, Equatable, Sendable {
  /// What comes of a check.
  public enum Result: String, Codable, Sendable {
    /// Nothing is wrong.
    case clean
    /// Parts could not be checked.
    case incomplete
    /// Tables contradict each other, or the hash store is damaged.
    case corrupt
    /// Clusters are counted that nothing uses, and nothing else is wrong.
    case leaks
  }

  /// The version of this structure; it rises when a field changes its meaning or goes away.
  public var reportVersion = 1
  /// The program that wrote the report.
  public var tool: Tool
  /// What the program was asked to do: `check`.
  public var command = "check"
  /// The name of the image as given.
  public var path: String
  /// The length of the file.
  public var fileSize: UInt64
  /// The size of a cluster.
  public var clusterSize: Int
  /// What comes of it all.
  public var result: Result
  /// How many parts could not be checked.
  public var checkErrors: UInt64
  /// How many contradictions there are between tables, as `qemu-img check` counts them.
  public var corruptions: UInt64
  /// How many clusters of metadata are used for something else too.
  public var overlaps: UInt64
  /// How many clusters are counted more often than they are used.
  public var leaks: UInt64
  /// What `qemu-img check -r` is to repair so that nothing is wrong with the tables, and a guest reads
  /// what it read before; nil if nothing is wrong, or if that would not do.
  public var repair: Repair?
  /// The first findings of each kind.
  public var findings: [Finding]
  /// What is worth knowing and not wrong.
  public var notes: [String]
  /// The number of guest clusters of the disk.
  public var totalClusters: UInt64
  /// How many of them have a place in the file.
  public var allocatedClusters: UInt64
  /// How many of them are compressed.
  public var compressedClusters: UInt64
  /// How many of them do not come right after the one before them; compressed ones never do.
  public var fragmentedClusters: UInt64
  /// The end of the last host cluster that is used or counted.
  public var imageEndOffset: UInt64
  /// The hash store, if the image carries one.
  public var hashStore: HashStore?
}

extension CheckReport {
  /// Something that is wrong.
  public struct Finding: Codable, Equatable, Sendable {
    /// What it means: `check error`, `corruption`, `overlap` or `leak`.
    public var kind: String
    /// What is wrong, in words.
    public var message: String
    /// Where in the file it is.
    public var hostOffset: UInt64?
    /// Where on the disk it is.
    public var guestOffset: UInt64?
    /// What had to be there.
    public var expected: String?
    /// What is there.
    public var found: String?
    /// How often it counts.
    public var count: UInt64
  }

  /// What was found in the hash store.
  public struct HashStore: Codable, Equatable, Sendable {
    /// Whether it may be used.
    public var state: StoreState
    /// Why it is stale.
    public var reason: String?
    /// How many of its parts are wrong.
    public var problemCount: UInt64 = 0
    /// The first of them, in words.
    public var problems: [String] = []
    /// The number of its incarnations.
    public var incarnations = 0
    /// The number of entries that were checked.
    public var entries: UInt64 = 0
    /// The number of entries that name a place which has become free, or holds something else: in an
    /// image with versions that is what removed ones leave behind, and no damage.
    public var staleEntries: UInt64 = 0
    /// The number of clusters whose digest was computed; nil if that was not asked for.
    public var comparedClusters: UInt64?
    /// The number of entries that were looked up in the store; nil if that was not asked for, or not
    /// done for all.
    public var lookups: UInt64?

    /// The most problems that are listed; all are counted.
    public static let mostListed = 100

    /// What is known of a store before it is checked.
    package init(state: StoreState) {
      self.state = state
    }

    /// Notes something wrong: the store is damaged then.
    mutating func note(_ problem: @autoclosure () -> String) {
      state = .damaged
      problemCount += 1
      if problems.count < Self.mostListed { problems.append(problem()) }
    }
  }
}
