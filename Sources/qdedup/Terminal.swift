import ArgumentParser
import DiskImage
import Glibc
import SystemPackage

/// The standard streams: results go to standard output, everything else to standard error.
enum Terminal {
  /// Makes sure that no file which is opened later takes the number of a standard stream that was
  /// closed when the process started: text would go into it. Such a stream stays useless.
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
      try write(report, to: .standardOutput)
    } catch {
      throw ReportFailure(description: "cannot write to standard output: \(error)")
    }
  }

  /// Writes to standard error, as it is.
  static func writeError(_ text: String) {
    // There is nowhere left to complain if this fails.
    try? write(text, to: .standardError)
  }

  /// Writes all of a text. A full pipe or terminal is waited for, also if another process that
  /// shares it has set `O_NONBLOCK`, so that the system does not wait.
  ///
  /// - Throws: `Errno`.
  static func write(_ text: String, to descriptor: FileDescriptor) throws {
    let bytes = Array(text.utf8)
    var done = 0
    while done < bytes.count {
      do {
        done += try bytes[done...].withUnsafeBytes { try descriptor.write($0) }
      } catch Errno.wouldBlock {
        var request = pollfd(fd: descriptor.rawValue, events: Int16(POLLOUT), revents: 0)
        _ = poll(&request, 1, -1)
      }
    }
  }

  /// Text of the argument parser, which repeats what the user typed: everything is made visible that
  /// a terminal would obey, but for the ends of lines.
  static func harmless(_ text: String) -> String {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    return legible(lines.map { String($0).visible }.joined(separator: "\n"))
  }

  /// Shows an error in one line, with what to do about it.
  ///
  /// - Returns: What to throw for the process to end.
  static func fail(
    _ error: any RemediableError, _ context: ErrorText.Context = .init(), code: ExitCode = .failure
  ) -> ExitCode {
    fail(ErrorText(error, context).text, code: code)
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

extension Terminal {
  /// Whether standard error is a terminal that can draw a line again.
  static var standardErrorTakesBar: Bool {
    guard isatty(STDERR_FILENO) == 1, let kind = variable("TERM") else { return false }
    return kind != "dumb"
  }

  /// How many characters a line on standard error has; 80 where nobody knows.
  static var standardErrorWidth: Int {
    var size = winsize()
    let isKnown = ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
    return isKnown ? Int(size.ws_col) : 80
  }

  /// Whether the locale has more characters than ASCII.
  static let takesUTF8: Bool = {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap(variable).first ?? "C"
    let name = locale.lowercased()
    return name.contains("utf-8") || name.contains("utf8")
  }()

  /// The text, with the signs that this program uses beyond ASCII written in ASCII if the locale has
  /// no others.
  static func legible(_ text: String) -> String {
    if takesUTF8 { return text }
    var legible = ""
    for character in text {
      switch character {
      case "→": legible += "->"
      case "…": legible += "..."
      case "×": legible += "x"
      case "█": legible += "#"
      case "≤": legible += "<="
      default: legible.append(character)
      }
    }
    return legible
  }

  /// An environment variable; nil if it is not set, or empty.
  private static func variable(_ name: String) -> String? {
    guard let value = getenv(name).map({ String(cString: $0) }), !value.isEmpty else { return nil }
    return value
  }
}

/// Why a report cannot be written.
struct ReportFailure: Error, CustomStringConvertible {
  let description: String
}
