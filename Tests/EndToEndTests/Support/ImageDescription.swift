import Foundation
import SystemPackage
import TestSupport

/// The JSON of `qdedup info` as a user's script reads it.
struct ImageDescription: Decodable {
  struct QCOW2: Decodable {
    let version: Int
    let clusterSize: Int
    let refcountBits: Int
    let compressionType: String
    let encryption: String?
    let features: [Feature]
    let backingFile: ExternalFile?
    let dataFile: ExternalFile?
    let snapshots: [Snapshot]
    let headerExtensions: [HeaderExtension]
  }

  struct Feature: Decodable, Equatable {
    let kind: String
    let bit: Int
    let name: String
  }

  struct ExternalFile: Decodable, Equatable {
    let name: String
    let format: String?
  }

  struct Snapshot: Decodable {
    let id: String
    let name: String
    let virtualSize: UInt64?
    let takenAt: UInt64
    let machineStateSize: UInt64
  }

  struct HeaderExtension: Decodable {
    let type: String
    let bytes: Int
  }

  struct HashStore: Decodable {
    let isValid: Bool
    let state: String
    let problem: String?
    let order: Int?
    let maxIncarnations: UInt64?
    let incarnations: [Incarnation]
    let limbo: [UInt64]
    let usedEntries: UInt64
    let bytesOnDisk: UInt64
  }

  struct Incarnation: Decodable {
    let offset: UInt64
    let sequence: UInt64?
    let usedEntries: UInt64?
  }

  let format: String
  let virtualSize: UInt64?
  let fileSize: UInt64
  let qcow2: QCOW2?
  let hashStore: HashStore?

  /// What `qdedup info --json` says about an image.
  init(of image: FilePath) throws {
    let result = try Command.qdedup(["info", "--json", image.string]).run().expectingExit(0)
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    self = try decoder.decode(Self.self, from: Data(result.standardOutput))
  }
}
