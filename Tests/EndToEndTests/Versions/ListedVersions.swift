import Foundation

/// The JSON of `qdedup versions` as a user's script reads it.
struct ListedVersions: Decodable {
  struct Active: Decodable {
    let version: String?
    let isChanged: Bool
    let virtualSize: UInt64
  }

  struct Item: Decodable {
    let name: String
    let id: String
    let date: UInt64
    let virtualSize: UInt64
    let dataBytes: UInt64
    let ownBytes: UInt64
    let isActive: Bool
  }

  let fileSize: UInt64
  let allocatedBytes: UInt64
  let active: Active
  let versions: [Item]

  init(json: [UInt8]) throws {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    self = try decoder.decode(Self.self, from: Data(json))
  }
}
