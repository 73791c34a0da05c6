public import SystemPackage

/// A file that several objects read from and write to, for as long as one of them needs it.
///
/// Reads and writes name their place, so any thread may use it at any time.
public final class OpenFile: Sendable {
  /// The file.
  public let file: OwnedFile

  /// Takes over an open file.
  public init(_ file: consuming OwnedFile) {
    self.file = file
  }

  /// The name of the file, for messages.
  public var path: FilePath { file.path }
}
