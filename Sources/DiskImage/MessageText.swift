package import SystemPackage

extension String {
  /// The text in quotes, for messages, with everything visible that a terminal would obey instead of
  /// show: control characters, marks of writing direction and the like.
  ///
  /// Names in images come from strangers.
  public var quoted: String {
    var text = ""
    for scalar in unicodeScalars {
      if scalar == "\"" || scalar == "\\" { text += "\\" }
      text.unicodeScalars.append(scalar)
    }
    return "\"\(text.visible)\""
  }

  /// The text with everything made visible that a terminal would obey instead of show.
  public var visible: String {
    guard unicodeScalars.contains(where: \.commandsTerminals) else { return self }
    var text = ""
    for scalar in unicodeScalars {
      if scalar.commandsTerminals {
        text += "\\u{\(String(scalar.value, radix: 16))}"
      } else {
        text.unicodeScalars.append(scalar)
      }
    }
    return text
  }
}

extension Unicode.Scalar {
  /// Whether a terminal may obey the character, or show it in another place.
  public var commandsTerminals: Bool {
    switch properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse,
      .unassigned:
      true
    default: false
    }
  }
}

extension String {
  /// The text as a word for a shell: in quotes if it has characters that mean something there.
  public var shellWord: String {
    let isPlain = utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        true
      default: "/._-+,:@%".utf8.contains(byte)
      }
    }
    if isPlain && !isEmpty { return self }
    let parts = split(separator: "'", omittingEmptySubsequences: false)
    return "'" + parts.joined(separator: "'\\''") + "'"
  }
}

extension FilePath {
  /// The path as a word for a shell that names the file to any program: with `./` in front if it looks
  /// like an option, or like a protocol to QEMU.
  package var shellWord: String {
    let looksLikeProtocol = string.prefix { $0 != "/" }.contains(":")
    return (string.hasPrefix("-") || looksLikeProtocol ? "./" + string : string).shellWord
  }
}

extension UInt64 {
  private static let byteUnits = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]

  /// So many bytes in the largest unit that leaves at least 1: `1.5 GiB`, `4 KiB`, `17 B`.
  public var inByteUnits: String {
    var (unit, value) = (0, Double(self))
    while value >= 1024, unit < Self.byteUnits.count - 1 {
      value /= 1024
      unit += 1
    }
    let tenths = UInt64((value * 10).rounded())
    let isWhole = unit == 0 || value >= 100 || tenths % 10 == 0
    let text = isWhole ? "\(UInt64(value.rounded()))" : "\(tenths / 10).\(tenths % 10)"
    return text + " " + Self.byteUnits[unit]
  }
}
