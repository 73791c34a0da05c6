public import DiskImage

/// Something that the user of an output should know.
///
/// Like an error it is a fact, and what follows from it a list of remedies, which a program puts into
/// words with options of its own. In JSON it is a text: the fact, until a program has added its words.
public struct ReportWarning: Equatable, Sendable, CustomStringConvertible {
  /// What is to be known. It names no option and no command.
  public var description: String
  /// What can be done, or is to be expected, the best first.
  public var remedies: [Remedy]

  /// A warning of this fact.
  public init(_ description: String, _ remedies: Remedy...) {
    self.description = description
    self.remedies = remedies
  }
}

extension ReportWarning: Codable {
  /// Takes the text alone.
  public init(from decoder: any Decoder) throws {
    self.init(try decoder.singleValueContainer().decode(String.self))
  }

  /// Gives the text alone.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
