import SystemPackage
import TestSupport
import Testing

/// A fixture that must be read, with what it holds.
struct ReadableFixture: Sendable, CustomTestStringConvertible {
  /// The file's name in the folder of the fixtures.
  let name: String
  /// The size of the disk in bytes.
  let size: Int
  /// What is not zero.
  let content: [DiskPiece]
  /// The snapshot that holds it, by id or name; nil for the disk itself.
  var snapshot: String?
  /// Other fixtures that it names.
  var others: [String] = []

  init(
    _ name: String, _ size: Int, _ content: [DiskPiece], snapshot: String? = nil,
    others: [String] = []
  ) {
    self.name = name + ".qcow2"
    self.size = size
    self.content = content
    self.snapshot = snapshot
    self.others = others
  }

  /// A fixture with the standard content.
  static func standard(_ name: String, cluster: Int = 4096, others: [String] = []) -> Self {
    Self(
      name, DiskPiece.standardSize(cluster), DiskPiece.standard(cluster), others: others)
  }

  var testDescription: String {
    snapshot.map { "\(name), snapshot \($0)" } ?? name
  }

  /// The options that are needed to convert it.
  var options: [String] {
    (snapshot.map { ["-l", $0] } ?? []) + (others.isEmpty ? [] : ["--allow-external-files"])
  }

  /// Unpacks the fixture and what it names.
  ///
  /// - Returns: Its path.
  func unpack(into folder: FilePath) throws -> FilePath {
    try Fixtures.unpack([name] + others, into: folder)
    return folder.appending(name)
  }

  /// Makes the raw image that it must equal.
  func writeExpected(to path: FilePath) throws {
    try DiskPiece.write(content, size: size, to: path)
  }

  /// All of them.
  static var all: [ReadableFixture] {
    layouts + compressed + zeros + headers + snapshots + chains + dataFiles
  }
}
