import QDedupKit
import SystemPackage

/// The file that `--report-file` names: opened before the conversion, so that a wrong path shows at
/// once, and written after it.
struct ReportFile {
  private let path: FilePath
  private let descriptor: FileDescriptor

  init(_ path: String) throws {
    self.path = FilePath(path)
    do {
      descriptor = try FileDescriptor.open(
        self.path, .writeOnly, options: [.create, .closeOnExec],
        permissions: [.ownerReadWrite, .groupRead, .otherRead])
    } catch {
      throw Terminal.fail("cannot write the report to \(path): \(error)")
    }
  }

  /// Replaces the file's content by the report.
  func write(_ report: ConversionReport) throws {
    do {
      // A terminal or a pipe has no length to be cut.
      try? descriptor.resize(to: 0)
      try descriptor.writeAll((try JSONText.pretty(report) + "\n").utf8)
      try descriptor.close()
    } catch {
      throw Terminal.fail("cannot write the report to \(path): \(error)")
    }
  }
}
