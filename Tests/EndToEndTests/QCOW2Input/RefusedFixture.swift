import SystemPackage
import TestSupport
import Testing

/// A fixture that must be refused, with what the message must say.
struct RefusedFixture: Sendable, CustomTestStringConvertible {
  /// The file's name in the folder of the fixtures.
  let name: String
  /// Options that do not make it readable.
  let options: [String]
  /// What the message has in it, besides the name of the image.
  let words: [String]
  /// Other fixtures that it names.
  let others: [String]

  init(
    _ name: String, _ words: String..., options: [String] = [], others: [String] = []
  ) {
    self.name = name.contains(".") ? name : name + ".qcow2"
    self.words = words
    self.options = options
    self.others = others
  }

  var testDescription: String {
    (options + [name]).joined(separator: " ")
  }

  /// Unpacks the fixture and what it names.
  ///
  /// - Returns: Its path.
  func unpack(into folder: FilePath) throws -> FilePath {
    try Fixtures.unpack([name] + others, into: folder)
    return folder.appending(name)
  }

  /// All of them.
  static var all: [RefusedFixture] {
    features + headers + tables + snapshots + external
  }
}
