extension String {
  /// The text in quotes, for messages, with everything visible that a terminal would obey instead of
  /// show: control characters, marks of writing direction and the like.
  ///
  /// Names in images come from strangers.
  public var quoted: String {
    var result = "\""
    for scalar in unicodeScalars {
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse,
        .unassigned:
        result += "\\u{\(String(scalar.value, radix: 16))}"
      default:
        if scalar == "\"" || scalar == "\\" { result += "\\" }
        result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
