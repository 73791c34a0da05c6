internal import DiskImage

/// The name of a version: what `qemu-img snapshot -l` lists, and what `-l` finds it by.
public struct VersionName: Hashable, Sendable, CustomStringConvertible {
  /// The name.
  public let text: String

  /// The most bytes that QEMU takes of a name.
  public static let mostBytes = 255

  /// Checks a name.
  ///
  /// A name of digits alone would be taken for an id: QEMU looks for ids first.
  ///
  /// - Parameter text: 1 to 255 bytes in UTF-8, not digits alone, without control characters.
  /// - Throws: `VersionError.invalidName`.
  public init(_ text: String) throws(VersionError) {
    let bytes = text.utf8.count
    guard (1...Self.mostBytes).contains(bytes) else {
      throw .invalidName(text, reason: "it has \(bytes) bytes, must have 1 to \(Self.mostBytes)")
    }
    guard !text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
      throw .invalidName(text, reason: "digits alone are an id; add a letter")
    }
    guard !text.unicodeScalars.contains(where: \.commandsTerminals) else {
      throw .invalidName(text, reason: "it has control characters")
    }
    self.text = text
  }

  /// The name as it is.
  public var description: String { text }
}
