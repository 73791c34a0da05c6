/// What a conversion did. Its JSON form is described by Documentation/ReportSchema.json, with the
/// names in snake case. Sizes are in bytes.
public struct ConversionReport: Codable, Equatable, Sendable {
  /// The version of this structure; it rises when a field changes its meaning or goes away.
  public var reportVersion = 1
  /// The program that wrote the report.
  public var tool: Tool
  /// What the program was asked to do: `convert`.
  public var command = "convert"
  /// The image that was read.
  public var input: Input
  /// The image that was written.
  public var output: Output
  /// What became of the clusters of the disk.
  public var clusters: Clusters
  /// The same in bytes.
  public var bytes: Bytes
  /// How much smaller the data became.
  public var ratios: Ratios
  /// The hash store.
  public var hashStore: HashStore
  /// The highest refcount of any host cluster.
  public var maxReferences: UInt32
  /// Whether the output was read back and compared with the input.
  public var verified: Bool
  /// How the cluster size was chosen by content; nil if it was not.
  public var clusterSizeChoice: ClusterSizeChoice?
  /// How long it took.
  public var timing: Timing
  /// The most memory that the process ever had in RAM.
  public var peakRssBytes: UInt64
  /// What the user of the output should know.
  public var warnings: [ReportWarning]
  /// The versions that the output has; nil if it has none.
  public var versions: Versions?
  /// What has changed since an earlier report; nil if none was named.
  public var comparison: Comparison?
  /// The rules of the user that this conversion broke; nil if there were no rules.
  public var brokenRules: [String]?
}

extension ConversionReport {
  /// What became of the versions of the output.
  public struct Versions: Codable, Equatable, Sendable {
    /// The names of those that were added, oldest first.
    public var added: [String]
    /// The one that the active disk is a copy of; nil if it is none.
    public var active: String?
    /// How many the output has now.
    public var count: Int
    /// The length of the file before; nil for a new one.
    public var fileSizeBefore: UInt64?
    /// Clusters whose entry in the hash store named something else by now, or nothing.
    public var staleEntries: UInt64?
    /// Why the hash store was made again from all versions; nil if it was not.
    public var storeRebuilt: String?
    /// How long that took.
    public var storeRebuildSeconds: Double?
  }

  /// The image that was read.
  public struct Input: Codable, Equatable, Sendable {
    /// Its name as given; `-` for standard input.
    public var path: String
    /// Its format: `raw` or `qcow2`.
    public var format: String
    /// The size of the disk.
    public var virtualSize: UInt64
    /// The size of the file, or of what came through the pipe.
    public var fileSize: UInt64
  }

  /// The image that was written.
  public struct Output: Codable, Equatable, Sendable {
    /// Its name as given.
    public var path: String
    /// The size of the disk.
    public var virtualSize: UInt64
    /// The length of the file.
    public var fileSize: UInt64
    /// What the file takes on the disk.
    public var allocatedBytes: UInt64
    /// The size of its clusters.
    public var clusterSize: Int
    /// How its clusters are compressed: `none`, `zlib` or `zstd`.
    public var compression: String
    /// The width of its refcounts in bits: 16 or 32.
    public var refcountBits: Int
  }

  /// What became of the clusters of the disk: `total` = `zero` + `unique` + `duplicate`.
  public struct Clusters: Codable, Equatable, Sendable {
    /// All clusters of the disk.
    public var total: UInt64
    /// Clusters of zeros, which take no room.
    public var zero: UInt64
    /// Clusters of anything else: `unique` + `duplicate`.
    public var data: UInt64
    /// Clusters that are stored.
    public var unique: UInt64
    /// Clusters that share a stored one.
    public var duplicate: UInt64
  }

  /// The clusters in bytes.
  public struct Bytes: Codable, Equatable, Sendable {
    /// What the data clusters hold.
    public var data: UInt64
    /// What was written for the unique ones: compressed, if they are.
    public var written: UInt64
    /// What duplicates would have taken.
    public var savedByDedup: UInt64
    /// What compression took away from unique clusters; 0 if it made them larger.
    public var savedByCompression: UInt64
  }

  /// How many times smaller the data became; 1 if nothing was saved, less than 1 if compression made
  /// it larger.
  public struct Ratios: Codable, Equatable, Sendable {
    /// Data by unique clusters.
    public var dedup: Double
    /// Unique clusters by what was written for them.
    public var compression: Double
    /// Data by what was written.
    public var total: Double
  }

  /// The hash store during the conversion, and in the output.
  public struct HashStore: Codable, Equatable, Sendable {
    /// Whether the output carries it.
    public var present: Bool
    /// The order of its tables.
    public var order: Int
    /// How many entries an incarnation has room for.
    public var entriesPerIncarnation: UInt64
    /// The most incarnations that it keeps; 0 for no limit.
    public var maxIncarnations: UInt32
    /// How many it has now.
    public var incarnations: UInt64
    /// How many areas of forgotten incarnations wait to be used again.
    public var limbo: UInt64
    /// How often the log store was frozen.
    public var freezes: UInt64
    /// How many incarnations were forgotten.
    public var forgotten: UInt64
    /// How often the area of a forgotten incarnation was used again.
    public var limboReuses: UInt64
    /// How many clusters were looked up.
    public var lookups: UInt64
    /// Clusters found in the log store, or among those on their way into it.
    public var logStoreHits: UInt64
    /// Clusters found in an incarnation.
    public var incarnationHits: UInt64
    /// Tags that led to a bucket without the digest.
    public var falsePositives: UInt64
    /// Clusters that the store could not take although it was not full, because too many others
    /// share their buckets: the saved store does not know them. Only chosen content has many.
    public var entriesLeftOut: UInt64
    /// Clusters whose digest, but not whose content, was that of another.
    public var collisions: UInt64
    /// Clusters stored again because one more reference to the stored one was not allowed.
    public var referencesCapped: UInt64
    /// What the incarnations take in the output, or took in a temporary file.
    public var bytesOnDisk: UInt64
    /// What the store took in RAM when all data had been looked up.
    public var ramBytes: UInt64
    /// What it was allowed to take in memory; nil if nothing was said about that.
    public var indexMemory: UInt64?
    /// How many of the last clusters it is sure to remember, all of them being unique; nil without a
    /// limit of incarnations.
    public var rememberedClusters: UInt64?
    /// How many stored clusters it forgot while there was more to come, whose duplicates it may
    /// have missed.
    public var mayMissClusters: UInt64
    /// The same in bytes.
    public var mayMissBytes: UInt64
  }

  /// How a cluster size was chosen: the largest whose predicted file is at most 5 % above the
  /// smallest.
  public struct ClusterSizeChoice: Codable, Equatable, Sendable {
    /// A size that was looked at.
    public struct Candidate: Codable, Equatable, Sendable {
      /// The size of a cluster.
      public var clusterSize: Int
      /// The file that was expected of it.
      public var predictedFileBytes: UInt64
    }

    /// What was chosen.
    public var clusterSize: Int
    /// All sizes that were looked at, from small to large.
    public var candidates: [Candidate]
    /// The seconds that it took.
    public var wallSeconds: Double
    /// The bytes of the disk that were read for it.
    public var readBytes: UInt64
    /// The bytes that were compressed for it.
    public var compressedBytes: UInt64
  }

  /// How long it took.
  public struct Timing: Codable, Equatable, Sendable {
    /// From the first look at the input until the output had its name.
    public var wallSeconds: Double
    /// Processor time of the process in its own code.
    public var userSeconds: Double
    /// Processor time of the process in the system.
    public var systemSeconds: Double
    /// Bytes of the disk that hold data, by wall seconds.
    public var bytesPerSecond: UInt64
  }
}
