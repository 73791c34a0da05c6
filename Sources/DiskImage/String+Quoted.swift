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
  /// Whether a terminal may obey the character, or show it where it does not stand.
  public var commandsTerminals: Bool {
    switch properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse,
      .unassigned:
      true
    default: false
    }
  }
}
