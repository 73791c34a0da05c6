extension ConversionReport {
  /// How a report differs from an earlier one.
  public struct Comparison: Codable, Equatable, Sendable {
    /// A number that both reports have.
    public struct Change: Codable, Equatable, Sendable {
      /// Its name, from the outside to the inside: `output.file_size`.
      public var field: String
      /// What the earlier report says.
      public var before: Double
      /// What this one says.
      public var after: Double

      /// A number and what it was.
      public init(field: String, before: Double, after: Double) {
        self.field = field
        self.before = before
        self.after = after
      }
    }

    /// The name of the earlier report's file.
    public var path: String
    /// Sizes, ratios and times, in the order in which the report has them.
    public var changes: [Change]

    /// The differences from the report in a file.
    public init(path: String, changes: [Change]) {
      self.path = path
      self.changes = changes
    }
  }

  /// A report in which every field has a value, also those that most reports do not have: what a
  /// field is called and of which type it is can be seen from it.
  package static let withEveryField = ConversionReport(
    tool: .current,
    input: .init(path: "-", format: "raw", virtualSize: 1, fileSize: 1),
    output: .init(
      path: "-", virtualSize: 1, fileSize: 1, allocatedBytes: 1, clusterSize: 4096,
      compression: "none", refcountBits: 16),
    clusters: .init(total: 1, zero: 1, data: 1, unique: 1, duplicate: 1),
    bytes: .init(data: 1, written: 1, savedByDedup: 1, savedByCompression: 1),
    ratios: .init(dedup: 1, compression: 1, total: 1),
    hashStore: .init(
      present: true, order: 1, entriesPerIncarnation: 1, maxIncarnations: 1, incarnations: 1,
      limbo: 1, freezes: 1, forgotten: 1, limboReuses: 1, lookups: 1, logStoreHits: 1,
      incarnationHits: 1, falsePositives: 1, entriesLeftOut: 1, collisions: 1,
      referencesCapped: 1, bytesOnDisk: 1, ramBytes: 1, indexMemory: 1, rememberedClusters: 1,
      mayMissClusters: 1, mayMissBytes: 1),
    maxReferences: 1, verified: true,
    clusterSizeChoice: .init(
      clusterSize: 4096, candidates: [], wallSeconds: 1, readBytes: 1, compressedBytes: 1),
    timing: .init(wallSeconds: 1, userSeconds: 1, systemSeconds: 1, bytesPerSecond: 1),
    peakRssBytes: 1, warnings: [],
    versions: .init(
      added: [], active: "-", count: 1, fileSizeBefore: 1, staleEntries: 1, storeRebuilt: "-",
      storeRebuildSeconds: 1))
}
