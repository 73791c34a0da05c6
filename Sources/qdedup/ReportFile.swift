import DiskIO
import Glibc
import QDedupKit
import SystemPackage

/// The file that `--report-file` names. A place that takes no file shows before the conversion; the
/// report appears after it, whole, and until then what is there stays. A pipe or a terminal is
/// written to as it is.
struct ReportFile {
  private let path: FilePath
  private let target: Target

  private enum Target {
    case file(AtomicFile, replacing: Bool)
    case stream(FileDescriptor)
  }

  /// Prepares the place.
  ///
  /// - Parameters:
  ///   - path: The name as the user wrote it; where it is a link, what that leads to is replaced.
  ///   - replacesAnything: Whether a file that is no report may be replaced too.
  /// - Throws: `ReportFailure`.
  init(_ path: FilePath, replacesAnything: Bool) throws {
    self.path = path
    do {
      target = try Self.target(path, replacesAnything)
    } catch {
      throw Self.failure(path, error)
    }
  }

  private static func target(_ path: FilePath, _ replacesAnything: Bool) throws -> Target {
    guard let existing = try FileIdentity(of: path) else {
      if path.isSymbolicLink {
        throw refusal(path, "is a symbolic link that leads nowhere; remove it")
      }
      return .file(try AtomicFile(replacing: path), replacing: replacesAnything)
    }
    if existing.isBlockDevice { throw refusal(path, "is a block device") }
    guard existing.isRegular else { return .stream(try stream(path)) }
    guard try replacesAnything || isReport(path) else {
      throw refusal(path, "exists already and is no report; replace it with --force")
    }
    return .file(try AtomicFile(replacing: path.followingLinks), replacing: true)
  }

  /// Opens a pipe or a terminal. A named pipe is waited for until somebody reads it, or a signal
  /// comes.
  private static func stream(_ path: FilePath) throws -> FileDescriptor {
    while true {
      do {
        let opened = try FileDescriptor.open(
          path, .writeOnly, options: [.closeOnExec, .nonBlocking])
        _ = fcntl(opened.rawValue, F_SETFL, fcntl(opened.rawValue, F_GETFL) & ~O_NONBLOCK)
        return opened
      } catch Errno.noSuchAddressOrDevice where !Interruption.progress.isCancelled {
        usleep(10_000)
      }
    }
  }

  /// Writes the report.
  ///
  /// - Throws: `ReportFailure`.
  func write(_ report: ConversionReport) throws {
    do {
      let text = Array((try JSONText.pretty(report) + "\n").utf8)
      switch target {
      case .file(let file, let replacing):
        try file.file.write(text, at: 0)
        try file.publish(replacing: replacing, sync: false)
      case .stream(let descriptor):
        try descriptor.writeAll(text)
        try descriptor.close()
      }
    } catch {
      throw Self.failure(path, error)
    }
  }

  /// Whether a regular file is empty or a report of before, which nobody misses.
  private static func isReport(_ path: FilePath) throws -> Bool {
    let file = try OwnedFile(readingFrom: path)
    let size = try file.size()
    guard size > 0 else { return true }
    guard size <= largestReport else { return false }
    let buffer = try AlignedBuffer(byteCount: Int(size), purpose: "a report of before")
    let count = try file.read(into: buffer.bytes, at: 0)
    let text = String(decoding: buffer.bytes[..<count], as: UTF8.self)
    return text.hasPrefix("{") && text.contains("\"report_version\"")
  }

  /// More bytes than a report has, whatever the names in it.
  private static let largestReport: UInt64 = 1 << 20

  private static func refusal(_ path: FilePath, _ reason: String) -> ReportFailure {
    ReportFailure(description: "\(path) \(reason), or choose another name for the report")
  }

  private static func failure(_ path: FilePath, _ error: any Error) -> ReportFailure {
    switch error {
    case let failure as ReportFailure: failure
    case let error as IOError:
      ReportFailure(
        description: "cannot write the report to \(path): \(ErrorText(CreationFailure(error)).text)"
      )
    default: ReportFailure(description: "cannot write the report to \(path): \(error)")
    }
  }
}
