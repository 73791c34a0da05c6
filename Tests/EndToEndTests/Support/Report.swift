import Foundation

/// The JSON report as a user's script reads it. The names are those of the report, without `_`.
struct Report: Decodable {
  struct Input: Decodable {
    let path: String
    let format: String
    let virtualSize: UInt64
    let fileSize: UInt64?
  }

  struct Output: Decodable {
    let path: String
    let virtualSize: UInt64
    let fileSize: UInt64
    let allocatedBytes: UInt64
    let clusterSize: UInt64
    let compression: String
    let refcountBits: Int
  }

  struct Clusters: Decodable {
    let total: UInt64
    let zero: UInt64
    let data: UInt64
    let unique: UInt64
    let duplicate: UInt64
  }

  struct Bytes: Decodable {
    let data: UInt64
    let written: UInt64
    let savedByDedup: UInt64
    let savedByCompression: UInt64
  }

  struct Ratios: Decodable {
    let dedup: Double
    let compression: Double
    let total: Double
  }

  struct HashStore: Decodable {
    let present: Bool
    let order: Int
    let entriesPerIncarnation: UInt64
    let maxIncarnations: UInt64
    let incarnations: UInt64
    let limbo: UInt64
    let freezes: UInt64
    let forgotten: UInt64
    let limboReuses: UInt64
    let lookups: UInt64
    let entriesLeftOut: UInt64
    let logStoreHits: UInt64
    let incarnationHits: UInt64
    let collisions: UInt64
    let referencesCapped: UInt64
    let bytesOnDisk: UInt64
    let ramBytes: UInt64
    let indexMemory: UInt64?
    let rememberedClusters: UInt64?
    let mayMissClusters: UInt64
    let mayMissBytes: UInt64
  }

  struct ClusterSizeChoice: Decodable {
    struct Candidate: Decodable {
      let clusterSize: UInt64
      let predictedFileBytes: UInt64
    }

    let clusterSize: UInt64
    let candidates: [Candidate]
    let wallSeconds: Double
    let readBytes: UInt64
    let compressedBytes: UInt64
  }

  let reportVersion: Int
  let command: String
  let input: Input
  let output: Output
  let clusters: Clusters
  let bytes: Bytes
  let ratios: Ratios
  let hashStore: HashStore
  let maxReferences: UInt64
  let verified: Bool
  let clusterSizeChoice: ClusterSizeChoice?
  let warnings: [String]
  let comparison: Comparison?
  let brokenRules: [String]?

  struct Comparison: Decodable {
    struct Change: Decodable {
      let field: String
      let before: Double
      let after: Double
    }

    let path: String
    let changes: [Change]
  }

  /// Decodes a report.
  init(json: [UInt8]) throws {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    self = try decoder.decode(Report.self, from: Data(json))
  }
}
