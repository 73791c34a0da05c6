import Foundation
import SystemPackage

/// A temporary folder of one test, removed with all it holds when its owner lets go of it.
final class Scratch: Sendable {
  let path: FilePath

  init() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("qdedup-unit-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    path = FilePath(folder.resolvingSymlinksInPath().path)
  }

  deinit { try? FileManager.default.removeItem(atPath: path.string) }

  /// The path of a file in the folder, which is not made.
  func file(_ name: String) -> FilePath { path.appending(name) }

  /// Makes a file of these bytes.
  func make(_ name: String, _ bytes: [UInt8]) throws -> FilePath {
    try Data(bytes).write(to: URL(fileURLWithPath: file(name).string))
    return file(name)
  }

  /// The names in the folder, hidden ones too.
  func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path.string).sorted()
  }

  /// All bytes of a file.
  static func content(of path: FilePath) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: path.string)))
  }
}
