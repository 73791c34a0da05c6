import ArgumentParser
import DiskImage
import Glibc
import SystemPackage

/// The standard streams: results go to standard output, everything else to standard error.
enum Terminal {
  /// Makes sure that no file which is opened later takes the number of a standard stream that was
  /// closed by whoever started the process: text would go into it. Such a stream stays useless.
  static func reserveStandardStreams() {
    for (number, mode) in [
      (STDIN_FILENO, O_WRONLY), (STDOUT_FILENO, O_RDONLY),
      (STDERR_FILENO, O_RDONLY),
    ] where fcntl(number, F_GETFD) == -1 {
      // The lowest free number is taken, which is this one: those below it are in use.
      _ = open("/dev/null", mode)
    }
  }

  /// Writes a result to standard output.
  ///
  /// - Throws: `ExitCode.failure`, with a message, if it cannot be written.
  static func write(_ result: String) throws {
    do {
      try writeReport(result)
    } catch let failure as ReportFailure {
      throw fail("\(failure)")
    }
  }

  /// Writes a report to standard output.
  ///
  /// - Throws: `ReportFailure` if it cannot be written.
  static func writeReport(_ report: String) throws {
    do {
      try FileDescriptor.standardOutput.writeAll(report.utf8)
    } catch {
      throw ReportFailure(description: "cannot write to standard output: \(error)")
    }
  }

  /// Writes to standard error, as it is.
  static func writeError(_ text: String) {
    // There is nowhere left to complain if this fails.
    _ = try? FileDescriptor.standardError.writeAll(text.utf8)
  }

  /// Shows an error message in one line. Names in it may come from an image, so what a terminal
  /// would obey is made visible.
  ///
  /// - Returns: What to throw for the process to end.
  static func fail(_ message: String, code: ExitCode = .failure) -> ExitCode {
    writeError("qdedup: \(legible(message.visible))\n")
    return code
  }
}
