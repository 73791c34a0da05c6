import Foundation
import SystemPackage
import TestSupport
import Testing

/// What `qdedup export --report json` says, as far as tests look at it.
struct ExportReport: Decodable {
  struct Output: Decodable {
    let kind: String
    let virtualSize: UInt64
    let allocatedBytes: UInt64?
  }

  struct Bytes: Decodable {
    let total: UInt64
    let written: UInt64
    let zeros: UInt64
  }

  let output: Output
  let bytes: Bytes
  let verified: Bool
  let warnings: [String]

  /// Decodes a report.
  init(json: [UInt8]) throws {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    self = try decoder.decode(ExportReport.self, from: Data(json))
  }
}

extension Workspace {
  /// Where exports go.
  var disk: FilePath { outputFolder.appending("disk.img") }

  /// `qdedup export` of an image to `disk`, or to another place.
  func exportCommand(
    _ options: [String] = [], _ image: FilePath, to target: String? = nil
  ) throws -> Command {
    try Command.qdedup(["export"] + options + [image.string, target ?? disk.string])
  }

  /// Exports with success, and decodes the report.
  @discardableResult
  func export(
    _ options: [String] = [], _ image: FilePath, to target: String? = nil
  ) throws -> ExportReport {
    let command = try exportCommand(["--report", "json"] + options, image, to: target)
    return try ExportReport(json: try command.run().expectingExit(0).standardOutput)
  }

  /// Exports to standard output, through `sh`, and returns what the other end of `pipe` got.
  func exportThroughPipe(_ options: [String], _ image: FilePath, _ pipe: String) throws -> [UInt8] {
    let command = try exportCommand(options, image, to: "-")
    return try Command.shell(
      "\"$@\" | \(pipe)", [command.program] + command.arguments
    ).run().expectingExit(0).standardOutput
  }

  /// A raw disk with data, holes, zeros that take room, and zeros of 4 KiB in data.
  func makeDisk(seed: UInt64) throws {
    let mixture = RawImage.mixture(clusters: 500, size: 4096, kinds: 20, seed: seed)
    let zeros = [UInt8](repeating: 0, count: 300_000)
    let end = RawImage.noise(count: 2048, seed: seed + 1)
    try RawImage.sparse(
      at: input, size: (40 << 20) + 2048,
      islands: [0: mixture, 9 << 20: zeros, 20 << 20 + 512: mixture, 40 << 20: end])
  }
}

/// What a file takes on the disk, in bytes.
func allocatedBytes(of path: FilePath) throws -> Int {
  var status = stat()
  guard stat(path.string, &status) == 0 else { throw Errno(rawValue: errno) }
  return Int(status.st_blocks) * 512
}
