import Foundation
import SystemPackage

/// A program with its arguments, ready to be run.
public struct Command: Sendable {
  /// The program: a path, or a name that is looked for in `PATH`.
  public var program: String
  /// Its arguments, without the program's name.
  public var arguments: [String]
  /// Environment variables that differ from those of the tests.
  public var environment: [String: String] = [:]
  /// What it finds on standard input.
  public var input: CommandInput = .nothing
  /// How long it may run before it is killed and counts as hanging: much longer than any test takes
  /// on a busy machine.
  public var secondsUntilHanging: Double = 300
  /// Whether to look, every millisecond, how much memory it takes.
  public var watchesMemory = false

  /// A command that reads nothing.
  public init(_ program: String, _ arguments: [String]) {
    self.program = program
    self.arguments = arguments
  }

  /// The `qdedup` under test.
  public static func qdedup(_ arguments: [String]) throws -> Command {
    Command(try BuiltProgram.qdedup().string, arguments)
  }

  /// A command that runs `script` in `sh`, with `arguments` as `$1`, `$2`, ….
  public static func shell(_ script: String, _ arguments: [String] = []) -> Command {
    Command("sh", ["-c", script, "sh"] + arguments)
  }

  /// A command that may stand in a folder for the system's own programs, such as `/usr/sbin`.
  public static func system(_ program: String, _ arguments: [String]) -> Command {
    shell("PATH=$PATH:/usr/sbin:/sbin; exec \"$@\"", [program] + arguments)
  }

  /// Runs the command to its end.
  ///
  /// - Returns: How it ended and what it printed.
  /// - Throws: `TestSupportError` if it cannot be started, or hangs.
  public func run() throws -> CommandResult {
    try start().wait()
  }

  /// Starts the command and returns at once.
  public func start() throws -> RunningCommand {
    try RunningCommand(self)
  }

  /// The command as one would type it.
  public var line: String {
    ([program] + arguments).joined(separator: " ")
  }

  /// All environment variables for the child, as `NAME=value`.
  var environmentStrings: [String] {
    ProcessInfo.processInfo.environment
      .merging(["LC_ALL": "C"]) { _, new in new }
      .merging(environment) { _, new in new }
      .map { "\($0.key)=\($0.value)" }
  }
}
