import SystemPackage
import TestSupport

/// The folder of small images beside the sources; each is packed by gzip.
enum Fixtures {
  /// The folder.
  static let folder: FilePath = {
    var path = FilePath(#filePath)
    for _ in 0..<4 { path.removeLastComponent() }
    return path.appending("Fixtures")
  }()

  /// Unpacks images, which may name one another, into a folder.
  static func unpack(_ names: [String], into target: FilePath) throws {
    for name in names {
      let packed = folder.appending("\(name).gz")
      try Command.shell(
        "exec gzip -dc <\"$1\" >\"$2\"", [packed.string, target.appending(name).string]
      ).run().expectingExit(0)
    }
  }

  /// The names of all images that are there, without `.gz`.
  static func names() throws -> [String] {
    try TemporaryDirectory.names(in: folder).filter { $0.hasSuffix(".gz") }
      .map { String($0.dropLast(3)) }
  }
}
