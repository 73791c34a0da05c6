import SystemPackage
import TestSupport

/// 7-Zip, a reader of qcow2 that shares no code with QEMU.
enum SevenZip {
  /// Whether its program is here.
  static let isHere = (try? Command("7zz", ["i"]).run())?.exitCode == 0

  /// The disk that an image shows.
  static func content(of image: FilePath) throws -> [UInt8] {
    try Command("7zz", ["e", "-so", image.string]).run().expectingExit(0).standardOutput
  }
}
