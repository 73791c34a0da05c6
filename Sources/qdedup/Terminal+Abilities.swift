import Glibc

extension Terminal {
  /// Whether standard error is a terminal that can draw a line anew.
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
