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

  init(_ path: FilePath) throws {
    self.path = path
    do {
      let existing = try FileIdentity(of: path)
      if let existing, !existing.isRegular {
        target = .stream(try FileDescriptor.open(path, .writeOnly, options: .closeOnExec))
      } else {
        target = .file(try AtomicFile(replacing: path))
      }
    } catch {
      throw Self.failure(path, error)
    }
  }

  /// Writes the report.
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

  private static func failure(_ path: FilePath, _ error: any Error) -> any Error {
    let reason = (error as? IOError).map { "\(CreationFailure($0))" } ?? "\(error)"
    return Terminal.fail("cannot write the report to \(path): \(reason)")
  }
}
