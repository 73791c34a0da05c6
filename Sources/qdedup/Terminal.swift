import ArgumentParser
import Glibc
import SystemPackage

/// The standard streams: results go to standard output, everything else to standard error.
enum Terminal {
  /// Whether standard error is a terminal that can show a progress bar.
  static var standardErrorIsTerminal: Bool { isatty(STDERR_FILENO) == 1 }

  /// Writes a result to standard output.
  ///
  /// - Throws: `ExitCode.failure`, with a message, if it cannot be written.
  static func write(_ result: String) throws {
    do {
      try FileDescriptor.standardOutput.writeAll(result.utf8)
    } catch {
      throw fail("cannot write to standard output: \(error)")
    }
  }

  /// Writes to standard error, as it is.
  static func writeError(_ text: String) {
    // There is nowhere left to complain if this fails.
    _ = try? FileDescriptor.standardError.writeAll(text.utf8)
  }

  /// Shows an error message in one paragraph.
  ///
  /// - Returns: What to throw for the process to end.
  static func fail(_ message: String, code: ExitCode = .failure) -> ExitCode {
    writeError("qdedup: \(message)\n")
    return code
  }
}
