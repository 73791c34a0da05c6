import Foundation
import SystemPackage
import TestSupport
import Testing

/// What `qdedup estimate --json` says, as far as tests look at it.
struct Estimate: Decodable {
  struct File: Decodable, Equatable {
    let fileBytes: UInt64
    let lowBytes: UInt64
    let highBytes: UInt64
    let upperBoundBytes: UInt64
    let readCost: Double
  }

  struct Clusters: Decodable, Equatable {
    let total: UInt64
    let zero: UInt64
    let unique: UInt64
    let duplicate: UInt64
  }

  struct Size: Decodable, Equatable {
    let clusterSize: UInt64
    let clusters: Clusters
    let uniqueRelativeError: Double
    let plain: File
    let zlib: File
    let zstd: File

    /// The file by a method: `plain`, `zlib` or `zstd`.
    func file(_ method: String) -> File {
      switch method {
      case "plain": plain
      case "zlib": zlib
      default: zstd
      }
    }
  }

  struct Recommended: Decodable, Equatable {
    let plain: UInt64
    let zlib: UInt64
    let zstd: UInt64
  }

  struct Image: Decodable, Equatable {
    let path: String
    let format: String
    let virtualSize: UInt64
    let partitionStarts: [UInt64]
    let partitionAlignment: UInt64?
    let clusterSizes: [Size]
    let recommended: Recommended
  }

  struct Together: Decodable, Equatable {
    let virtualSize: UInt64
    let clusterSizes: [Size]
    let recommended: Recommended
  }

  struct Pair: Decodable, Equatable {
    struct Shared: Decodable, Equatable {
      let clusterSize: UInt64
      let clusters: UInt64
      let bytes: UInt64
    }

    let first: Int
    let second: Int
    let shared: [Shared]
  }

  let images: [Image]
  let together: Together?
  let pairs: [Pair]

  /// Estimates, and expects the JSON to keep to its schema.
  ///
  /// - Parameters:
  ///   - images: What to look at.
  ///   - options: Others.
  /// - Throws: An error if the program fails.
  init(of images: [FilePath], _ options: [String] = []) throws {
    let command = try Command.qdedup(["estimate", "--json"] + options + images.map(\.string))
    let json = try command.run().expectingExit(0).standardOutput
    let folder = try TemporaryDirectory()
    let file = try folder.make("estimate.json", json)
    try expectValid(file, schema: "EstimateSchema.json")
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    self = try decoder.decode(Estimate.self, from: Data(json))
  }
}
