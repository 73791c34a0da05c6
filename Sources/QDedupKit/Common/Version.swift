/// The version of this library and program (semantic versioning).
public let qdedupVersion = "0.1.0"

/// A program and its version, as reports name them.
public struct Tool: Codable, Equatable, Sendable {
  /// The name of the program.
  public var name: String
  /// Its version.
  public var version: String

  /// This program.
  public static let current = Tool(name: "qdedup", version: qdedupVersion)
}
