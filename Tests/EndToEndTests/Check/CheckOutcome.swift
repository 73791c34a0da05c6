import Foundation
import SystemPackage
import TestSupport

/// What `qdedup check --json` or `qemu-img check --output=json` comes to.
struct CheckOutcome {
  /// The counts that both programs have.
  struct Counts: Equatable {
    var corruptions = 0
    var leaks = 0
    var checkErrors = 0
    var end = 0
    var total = 0
    var allocated = 0
    var fragmented = 0
    var compressed = 0
  }

  /// The report of `qdedup check` as a user's script reads it.
  struct Report: Decodable {
    struct Finding: Decodable {
      let kind: String
      let message: String
      let hostOffset: UInt64?
      let guestOffset: UInt64?
      let count: Int
    }

    struct HashStore: Decodable {
      let state: String
      let reason: String?
      let problemCount: Int
      let problems: [String]
      let incarnations: Int
      let entries: Int
      let comparedClusters: Int?
      let lookups: Int?
    }

    let result: String
    let repair: String?
    let corruptions: Int
    let leaks: Int
    let checkErrors: Int
    let overlaps: Int
    let imageEndOffset: Int
    let totalClusters: Int
    let allocatedClusters: Int
    let fragmentedClusters: Int
    let compressedClusters: Int
    let findings: [Finding]
    let notes: [String]
    let hashStore: HashStore?
  }

  /// What QEMU leaves out is zero.
  private struct QemuReport: Decodable {
    let corruptions: Int?
    let leaks: Int?
    let checkErrors: Int
    let imageEndOffset: Int?
    let totalClusters: Int?
    let allocatedClusters: Int?
    let fragmentedClusters: Int?
    let compressedClusters: Int?

    private enum CodingKeys: String, CodingKey {
      case corruptions, leaks
      case checkErrors = "check-errors"
      case imageEndOffset = "image-end-offset"
      case totalClusters = "total-clusters"
      case allocatedClusters = "allocated-clusters"
      case fragmentedClusters = "fragmented-clusters"
      case compressedClusters = "compressed-clusters"
    }
  }

  /// How the program ended.
  let exitCode: CInt?
  /// What it counted; nil if it could not say.
  let counts: Counts?
  /// All that `qdedup check` said.
  let report: Report?
  /// What it wrote to standard error.
  let errors: String

  /// What `qdedup check` says of an image.
  static func ours(_ image: FilePath, _ options: [String] = []) throws -> Self {
    let result = try Command.qdedup(["check", "--json"] + options + [image.string]).run()
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let report =
      result.standardOutput.isEmpty
      ? nil : try decoder.decode(Report.self, from: Data(result.standardOutput))
    let counts = report.map {
      Counts(
        corruptions: $0.corruptions, leaks: $0.leaks, checkErrors: $0.checkErrors,
        end: $0.imageEndOffset, total: $0.totalClusters, allocated: $0.allocatedClusters,
        fragmented: $0.fragmentedClusters, compressed: $0.compressedClusters)
    }
    return Self(
      exitCode: result.exitCode, counts: counts, report: report, errors: result.errors)
  }

  /// What `qemu-img check` says of an image.
  ///
  /// - Parameters:
  ///   - image: The image.
  ///   - detectsFormat: Whether QEMU looks what format it is, instead of taking it for qcow2.
  /// - Returns: Its exit code and what it counted.
  /// - Throws: `TestSupportError` if it cannot be run.
  static func qemu(_ image: FilePath, detectsFormat: Bool = false) throws -> Self {
    let format = detectsFormat ? [] : ["-f", "qcow2"]
    // QEMU looks for a data file from the current folder on.
    let result = try Command.shell(
      "cd \"$1\" && shift && exec qemu-img check --output=json \"$@\"",
      [image.removingLastComponent().string] + format + [image.string]
    ).run()
    let report = try? JSONDecoder().decode(QemuReport.self, from: Data(result.standardOutput))
    let counts = report.map {
      Counts(
        corruptions: $0.corruptions ?? 0, leaks: $0.leaks ?? 0, checkErrors: $0.checkErrors,
        end: $0.imageEndOffset ?? 0, total: $0.totalClusters ?? 0,
        allocated: $0.allocatedClusters ?? 0, fragmented: $0.fragmentedClusters ?? 0,
        compressed: $0.compressedClusters ?? 0)
    }
    return Self(exitCode: result.exitCode, counts: counts, report: nil, errors: result.errors)
  }
}
