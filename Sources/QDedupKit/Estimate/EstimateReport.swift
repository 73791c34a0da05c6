/// What conversions of one or several images would give. Its JSON form is described by
/// Documentation/EstimateSchema.json, with the names in snake case. Sizes are in bytes.
public struct EstimateReport: Codable, Equatable, Sendable {
  /// The version of this structure; it rises when a field changes its meaning or goes away.
  public var reportVersion = 1
  /// The program that wrote the report.
  public var tool: Tool
  /// What the program was asked to do: `estimate`.
  public var command = "estimate"
  /// The images, in the order in which they were named.
  public var images: [Image]
  /// All images in one file, each content stored once; nil for a single image.
  public var together: Together?
  /// What each two images share; empty for a single image.
  public var pairs: [Pair]
  /// How long it took, and what was read and compressed.
  public var cost: Cost
}

extension EstimateReport {
  /// One image.
  public struct Image: Codable, Equatable, Sendable {
    /// Its name as given.
    public var path: String
    /// Its format: `raw` or `qcow2`.
    public var format: String
    /// The size of the disk.
    public var virtualSize: UInt64
    /// The size of the file.
    public var fileSize: UInt64
    /// Where the disk's partitions begin, in bytes.
    public var partitionStarts: [UInt64]
    /// What clusters of each size give, from small to large. Sizes with which QEMU takes no such disk
    /// are left out.
    public var clusterSizes: [ClusterSize]
    /// The sizes to take.
    public var recommended: Recommended
    /// The largest power of two, up to 128 KiB, at which all partitions begin; nil if they all begin
    /// at multiples of 128 KiB, or there are none.
    public var partitionAlignment: UInt64?
  }

  /// All images in one file.
  public struct Together: Codable, Equatable, Sendable {
    /// The size of all disks.
    public var virtualSize: UInt64
    /// What clusters of each size give.
    public var clusterSizes: [ClusterSize]
    /// The sizes to take.
    public var recommended: Recommended
  }

  /// What clusters of one size give.
  public struct ClusterSize: Codable, Equatable, Sendable {
    /// The size of a cluster.
    public var clusterSize: Int
    /// What the clusters of the disk are.
    public var clusters: Clusters
    /// Of the numbers of unique and duplicate clusters, how far the first may be off, at 95 %, by
    /// itself; 0 if both are exact.
    public var uniqueRelativeError: Double
    /// A file that is not compressed.
    public var plain: File
    /// A file compressed by zlib.
    public var zlib: File
    /// A file compressed by zstd.
    public var zstd: File
  }

  /// Clusters: `total` = `zero` + `unique` + `duplicate`.
  public struct Clusters: Codable, Equatable, Sendable {
    /// All clusters of the disk.
    public var total: UInt64
    /// Clusters of zeros, which take no room.
    public var zero: UInt64
    /// Clusters that would be stored.
    public var unique: UInt64
    /// Clusters that would share a stored one.
    public var duplicate: UInt64
  }

  /// The file that a conversion would write.
  public struct File: Codable, Equatable, Sendable {
    /// Its size, as predicted.
    public var fileBytes: UInt64
    /// Where the interval begins that has its size with 95 % confidence; the size itself if all it
    /// depends on was counted.
    public var lowBytes: UInt64
    /// Where that interval ends.
    public var highBytes: UInt64
    /// More than this it cannot be, whatever the data is like.
    public var upperBoundBytes: UInt64
    /// What it costs QEMU to read a whole image of that kind, by what a plain one with clusters of
    /// 64 KiB costs.
    public var readCost: Double
  }

  /// For each kind of file, the largest cluster size whose file is at most 5 % above the smallest.
  public struct Recommended: Codable, Equatable, Sendable {
    /// For a file that is not compressed.
    public var plain: Int
    /// For one compressed by zlib.
    public var zlib: Int
    /// For one compressed by zstd.
    public var zstd: Int
  }

  /// What two images share.
  public struct Pair: Codable, Equatable, Sendable {
    /// The number of the first image, from 0.
    public var first: Int
    /// The number of the second image.
    public var second: Int
    /// The distinct contents that both have, for each cluster size.
    public var shared: [Shared]
  }

  /// What two images share in clusters of one size.
  public struct Shared: Codable, Equatable, Sendable {
    /// The size of a cluster.
    public var clusterSize: Int
    /// How many distinct contents both have.
    public var clusters: UInt64
    /// The same in bytes.
    public var bytes: UInt64
  }

  /// What the estimate took.
  public struct Cost: Codable, Equatable, Sendable {
    /// From the first look at the images to the end.
    public var wallSeconds: Double
    /// Of them, those in which a sample was compressed.
    public var sampleSeconds: Double
    /// The bytes of the disks that were read.
    public var readBytes: UInt64
    /// The bytes that were compressed, each time counted.
    public var compressedBytes: UInt64
    /// The most memory that the process ever had in RAM.
    public var peakRssBytes: UInt64
  }
}
