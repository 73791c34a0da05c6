import Foundation
public import SystemPackage

/// An image as QEMU's own tools see it: the oracle of the end-to-end tests.
///
/// Where `qemu-img` is missing every call throws, so the test fails: it never skips.
public struct QemuImage: Sendable {
  /// The image.
  public let path: FilePath
  /// QEMU's name of its format.
  public let format: String

  /// An image of the given format.
  public init(_ path: FilePath, format: String = "qcow2") {
    self.path = path
    self.format = format
  }

  /// Runs `qemu-img` with these arguments.
  public static func run(_ arguments: [String]) throws -> CommandResult {
    try tool("qemu-img", arguments).run()
  }

  /// Makes an empty image, or one with the content of `source`, in any format QEMU writes.
  ///
  /// - Parameters:
  ///   - source: A raw image to convert.
  ///   - path: The image to make.
  ///   - format: QEMU's name of its format.
  ///   - options: What goes after `-o`, such as `subformat=fixed`.
  /// - Returns: The image.
  /// - Throws: `TestSupportError` if QEMU refuses.
  public static func converting(
    raw source: FilePath, to path: FilePath, format: String, options: String? = nil
  ) throws -> QemuImage {
    let options = options.map { ["-o", $0] } ?? []
    try run(
      ["convert", "-f", "raw", "-O", format] + options + [source.string, path.string]
    ).expectingExit(0)
    return QemuImage(path, format: format)
  }

  /// Runs `qemu-img check`: exit code 0 means clean, 2 corrupt, 3 leaks.
  ///
  /// - Parameter repair: `all` or `leaks`, to repair what is wrong.
  /// - Returns: How it ended.
  /// - Throws: `TestSupportError` if it cannot be run.
  public func check(repair: String? = nil) throws -> CommandResult {
    let repairing = repair.map { ["-r", $0] } ?? []
    return try Self.run(["check", "-f", format] + repairing + [path.string])
  }

  /// What `qemu-img check --output=json` counts.
  public func checkCounts() throws -> CheckCounts {
    let result = try Self.run(["check", "-f", format, "--output=json", path.string])
    try result.expectingExit(0, 2, 3)
    return try JSONDecoder().decode(CheckCounts.self, from: Data(result.standardOutput))
  }

  /// Runs `qemu-img compare` with a raw image: exit code 0 means the same content.
  public func compare(withRaw raw: FilePath) throws -> CommandResult {
    try Self.run(["compare", "-f", "raw", "-F", format, raw.string, path.string])
  }

  /// What `qemu-img info` says.
  public func info() throws -> ImageInfo {
    let result = try Self.run(["info", "-f", format, "--output=json", path.string])
    try result.expectingExit(0)
    return try JSONDecoder().decode(ImageInfo.self, from: Data(result.standardOutput))
  }

  /// The ranges of the disk and where each is, from `qemu-img map`.
  public func map() throws -> [MapEntry] {
    let result = try Self.run(["map", "-f", format, "--output=json", path.string])
    try result.expectingExit(0)
    return try JSONDecoder().decode([MapEntry].self, from: Data(result.standardOutput))
  }

  /// Sets the size of the disk that a guest sees.
  public func resize(to size: UInt64) throws {
    try Self.run(["resize", "-f", format, path.string, "\(size)"]).expectingExit(0)
  }

  /// Runs `qemu-io` commands such as `write -P 7 0 4096`, as a guest would.
  ///
  /// - Parameter commands: One after the other.
  /// - Throws: `TestSupportError` if one fails.
  public func perform(_ commands: String...) throws {
    try perform(commands)
  }

  /// Runs `qemu-io` commands, any number of them in one process.
  public func perform(_ commands: [String]) throws {
    let arguments = ["-f", format] + commands.flatMap { ["-c", $0] } + [path.string]
    let result = try Self.tool("qemu-io", arguments).run().expectingExit(0)
    guard !result.output.contains("failed") && result.errors.isEmpty else {
      throw TestSupportError("a qemu-io command failed:\n\(result)")
    }
  }

  /// `qemu-io` that holds the image open, as a running machine does, until its input ends.
  ///
  /// - Parameter isReader: Whether it opens the image for reading alone.
  /// - Returns: The process, once it has the image open.
  /// - Throws: `TestSupportError` if it does not start.
  public func openedByRunningMachine(isReader: Bool = false) throws -> RunningCommand {
    var command = Self.tool("qemu-io", (isReader ? ["-r"] : []) + ["-f", format, path.string])
    command.input = .heldPipe
    let machine = try command.start()
    try machine.send(Array("read 0 512\n".utf8))
    guard try machine.waitUntil({ try machine.outputSoFar().contains("read 512/512") }) else {
      throw TestSupportError("qemu-io did not open the image:\n\(try machine.wait())")
    }
    return machine
  }

  private static func tool(_ name: String, _ arguments: [String]) -> Command {
    Command(name, arguments)
  }
}
