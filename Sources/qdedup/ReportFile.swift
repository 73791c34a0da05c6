import DiskIO
import QDedupKit
import SystemPackage

/// The file that `--report-file` names. A place that takes no file shows before the conversion; the
/// report appears after it, whole. A pipe or a terminal is written to as it is.
struct ReportFile {
  private let path: FilePath
  private let target: Target

  private enum Target {
    case file(AtomicFile)
    case stream(FileDescriptor)
  }

  /// Prepares the place, and removes a report that an earlier run has left there: nobody shall take
  /// it for that of a run that failed.
  ///
  /// - Parameters:
  ///   - path: The name as the user wrote it; where it is a link, what that leads to is replaced.
  ///   - replacesAnything: Whether a file that is no report may be replaced too.
  /// - Throws: `ReportFailure`.
  init(_ path: FilePath, replacesAnything: Bool) throws {
    self.path = path
    do {
      if let existing = try FileIdentity(of: path) {
        target =
          existing.isRegular
          ? .file(try Self.successor(of: path, replacesAnything))
          : .stream(try FileDescriptor.open(path, .writeOnly, options: .closeOnExec))
      } else {
        target = .file(try AtomicFile(replacing: path))
      }
    } catch {
      throw Self.failure(path, error)
    }
  }

  /// Writes the report.
  ///
  /// - Throws: `ReportFailure`.
  func write(_ report: ConversionReport) throws {
    let text = Array((try JSONText.pretty(report) + "\n").utf8)
    do {
      switch target {
      case .file(let file):
        try file.file.write(text, at: 0)
        try file.publish(replacing: true, sync: false)
      case .stream(let descriptor):
        try descriptor.writeAll(text)
        try descriptor.close()
      }
    } catch {
      throw Self.failure(path, error)
    }
  }

  /// The file that takes the place of another one.
  private static func successor(of path: FilePath, _ replacesAnything: Bool) throws -> AtomicFile {
    let size = try OwnedFile(readingFrom: path).size()
    let isReport = try isReport(path, size)
    guard replacesAnything || size == 0 || isReport else {
      throw ReportFailure(
        description: """
          \(path) exists already and is no report; replace it with --force, or choose another name \
          for the report
          """)
    }
    let file = try AtomicFile(replacing: path.followingLinks)
    if isReport { try file.removePredecessor() }
    return file
  }

  /// Whether a file of this size can be a report: JSON, and not too large for one.
  private static func isReport(_ path: FilePath, _ size: UInt64) throws -> Bool {
    guard (1...largestReport).contains(size) else { return false }
    let buffer = try AlignedBuffer(byteCount: 1, purpose: "the beginning of a report")
    let count = try OwnedFile(readingFrom: path).read(into: buffer.bytes, at: 0)
    return count == 1 && buffer.bytes[0] == UInt8(ascii: "{")
  }

  /// More bytes than a report has, whatever the names in it.
  private static let largestReport: UInt64 = 1 << 20

  private static func failure(_ path: FilePath, _ error: any Error) -> ReportFailure {
    switch error {
    case let failure as ReportFailure: failure
    case let error as IOError:
      ReportFailure(
        description: "cannot write the report to \(path): \(CreationFailure(error))")
    default: ReportFailure(description: "cannot write the report to \(path): \(error)")
    }
  }
}
