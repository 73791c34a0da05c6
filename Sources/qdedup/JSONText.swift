import DiskImage
import FoundationEssentials

/// JSON as this program writes it: names in snake case, sorted, so that equal values are equal text.
enum JSONText {
  /// Many lines, for files and people.
  static func pretty(_ value: some Encodable) throws -> String {
    try encode(value, [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
  }

  /// One line, for streams.
  static func line(_ value: some Encodable) throws -> String {
    try encode(value, [.sortedKeys, .withoutEscapingSlashes])
  }

  private static func encode(
    _ value: some Encodable, _ formatting: JSONEncoder.OutputFormatting
  ) throws -> String {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = formatting
    return escaped(String(decoding: try encoder.encode(value), as: UTF8.self))
  }

  /// The same JSON with those characters escaped that the encoder leaves as they are and a terminal
  /// may obey. Outside of strings JSON has none of them but line feeds.
  private static func escaped(_ json: String) -> String {
    func isSafe(_ scalar: Unicode.Scalar) -> Bool { scalar == "\n" || !scalar.commandsTerminals }
    if json.unicodeScalars.allSatisfy(isSafe) { return json }
    var text = ""
    for scalar in json.unicodeScalars {
      if isSafe(scalar) {
        text.unicodeScalars.append(scalar)
        continue
      }
      for unit in UTF16.encode(scalar)! {
        let digits = String(unit, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      }
    }
    return text
  }
}
