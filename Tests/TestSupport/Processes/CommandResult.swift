/// How a command ended and what it printed.
public struct CommandResult: Sendable, CustomStringConvertible {
  /// How a process ends.
  public enum Ending: Equatable, Sendable {
    /// By itself, with this exit code.
    case exited(CInt)
    /// Through this signal.
    case killed(signal: CInt)
  }

  /// The command as typed, for messages.
  public let command: String
  /// How it ended.
  public let ending: Ending
  /// The bytes of standard output.
  public let standardOutput: [UInt8]
  /// The bytes of standard error.
  public let standardError: [UInt8]
  /// The most memory it had, in bytes, but for its last millisecond; 0 if that was not watched.
  public let peakMemory: Int

  /// The exit code, or nil if a signal ended it.
  public var exitCode: CInt? {
    if case .exited(let code) = ending { code } else { nil }
  }

  /// Standard output as text.
  public var output: String { String(decoding: standardOutput, as: UTF8.self) }

  /// Standard error as text.
  public var errors: String { String(decoding: standardError, as: UTF8.self) }

  /// All of it in a few lines, for a failed expectation.
  public var description: String {
    """
    \(command)
    ended: \(ending)
    standard output: \(output.prefix(2000))
    standard error: \(errors.prefix(2000))
    """
  }

  /// This result, if the command exited with one of `codes`.
  ///
  /// - Parameter codes: The exit codes that count as success.
  /// - Returns: Itself.
  /// - Throws: `TestSupportError` with everything that is known about the failure otherwise.
  @discardableResult
  public func expectingExit(_ codes: CInt...) throws -> CommandResult {
    guard let exitCode, codes.contains(exitCode) else {
      throw TestSupportError("exit code \(codes) expected of:\n\(self)")
    }
    return self
  }
}
