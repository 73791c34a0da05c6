import Foundation
public import SystemPackage

/// A new empty folder that is removed, with all it holds, when its owner lets go of it.
///
/// It is in `QDEDUP_TEST_DIR`, else in `TMPDIR`, else in `/tmp`. Keep it in a property of the test suite: a
/// local variable may end its life before the test does.
public final class TemporaryDirectory: Sendable {
  /// Where the folder is. Absolute, with no symbolic link in it.
  public let path: FilePath

  /// Makes the folder.
  ///
  /// - Throws: `TestSupportError` if the place for temporary files takes none.
  public init() throws {
    var template = Self.template("qdedup-test")
    let made: String? = template.withUnsafeMutableBufferPointer { name in
      guard mkdtemp(name.baseAddress!) != nil, let real = realpath(name.baseAddress!, nil)
      else { return nil }
      defer { free(real) }
      return String(cString: real)
    }
    guard let made else {
      throw TestSupportError("cannot make a folder in \(Self.parent): \(Errno(rawValue: errno))")
    }
    path = FilePath(made)
  }

  /// The place for temporary files.
  static let parent =
    ProcessInfo.processInfo.environment["QDEDUP_TEST_DIR"]
    ?? ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"

  /// A path there for `mkdtemp` and `mkstemp`, which replace its last six letters.
  static func template(_ name: String) -> [CChar] {
    Array("\(parent)/\(name).\(String(repeating: "X", count: 6))".utf8CString)
  }

  deinit { try? FileManager.default.removeItem(atPath: path.string) }

  /// The path of a file in this folder. The file is not made.
  public func file(_ name: String) -> FilePath {
    path.appending(name)
  }

  /// Makes a file of these bytes in this folder and returns its path.
  public func make(_ name: String, _ bytes: [UInt8]) throws -> FilePath {
    try Data(bytes).write(to: URL(fileURLWithPath: file(name).string))
    return file(name)
  }

  /// The names of all that is in this folder, hidden files too, sorted.
  public func names() throws -> [String] { try Self.names(in: path) }

  /// All bytes of a file.
  public static func content(of path: FilePath) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: path.string)))
  }

  /// Makes a folder in this folder and returns its path.
  public func makeDirectory(_ name: String) throws -> FilePath {
    let made = file(name)
    try FileManager.default.createDirectory(
      atPath: made.string, withIntermediateDirectories: true)
    return made
  }

  /// The names of all that is in `directory`, hidden files too, sorted.
  public static func names(in directory: FilePath) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: directory.string).sorted()
  }
}
