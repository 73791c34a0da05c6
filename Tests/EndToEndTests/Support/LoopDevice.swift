import SystemPackage
import TestSupport

/// Files as block devices.
enum LoopDevice {
  /// Whether a loop device can be set up here: it is tried.
  static let worksHere: Bool = {
    guard let folder = try? TemporaryDirectory() else { return false }
    return withExtendedLifetime(folder) {
      let file = folder.file("probe.img")
      guard (try? RawImage.sparse(at: file, size: 1 << 20)) != nil else { return false }
      return (try? with(file) { _ in true }) ?? false
    }
  }()

  /// Runs `body` with the name of a device that has the content of `file`.
  static func with<Result>(_ file: FilePath, _ body: (String) throws -> Result) throws -> Result {
    let made = try Command.system("losetup", ["--find", "--show", file.string]).run()
    let device = try made.expectingExit(0).output.split(separator: "\n").joined()
    defer { _ = try? Command.system("losetup", ["--detach", device]).run() }
    return try body(device)
  }
}
