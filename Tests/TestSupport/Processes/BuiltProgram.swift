import Foundation
public import SystemPackage

/// Where the programs are that this package builds.
public enum BuiltProgram {
  /// The `qdedup` under test.
  ///
  /// The environment variable `QDEDUP_BINARY` names it; without that it is the one beside the
  /// test bundle, so a debug test drives the debug program and a release test the release one.
  ///
  /// - Returns: Its absolute path.
  /// - Throws: `TestSupportError` that lists the places if it is in none of them.
  public static func qdedup() throws -> FilePath {
    try path.get()
  }

  private static let path: Result<FilePath, TestSupportError> = {
    if let named = ProcessInfo.processInfo.environment["QDEDUP_BINARY"] {
      return isProgram(named)
        ? .success(FilePath(named))
        : .failure(TestSupportError("QDEDUP_BINARY names no program: \(named)"))
    }
    let candidates = bundleFolders().map { $0 + "/qdedup" }
    if let found = candidates.first(where: isProgram) { return .success(FilePath(found)) }
    return .failure(
      TestSupportError(
        "qdedup is not built: looked for \(candidates.joined(separator: ", ")); "
          + "run swift build or set QDEDUP_BINARY"))
  }()

  /// The folders that the test bundle may stand in, the surest first.
  private static func bundleFolders() -> [String] {
    var files: [String] = []
    if let maps = try? String(contentsOfFile: "/proc/self/maps", encoding: .utf8) {
      files += maps.split(separator: "\n").compactMap { line in
        line.hasSuffix(".xctest") ? line.firstIndex(of: "/").map { String(line[$0...]) } : nil
      }
    }
    files += [try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")]
      .compactMap { $0 }
    files += CommandLine.arguments.filter { $0.contains("/") }
    var seen: Set<String> = []
    return files.map { URL(fileURLWithPath: $0).deletingLastPathComponent().path }
      .filter { seen.insert($0).inserted }
  }

  private static func isProgram(_ path: String) -> Bool {
    var isDirectory: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
      && !isDirectory.boolValue && FileManager.default.isExecutableFile(atPath: path)
  }
}
