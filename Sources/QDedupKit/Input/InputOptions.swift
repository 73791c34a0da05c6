public import SystemPackage

/// What to read, and what is allowed while it is read. Every command that reads an image has these.
public struct InputOptions: Sendable {
  /// Where an image comes from.
  public enum Source: Equatable, Sendable {
    /// A file, a block device or a named pipe.
    case file(FilePath)
    /// A raw image from standard input.
    case standardInput
  }

  /// The formats that are read.
  public enum Format: String, CaseIterable, Sendable {
    case raw, qcow2
  }

  /// Where the image comes from.
  public var source: Source
  /// The format to read it as; nil to detect it from the content.
  public var format: Format?
  /// The internal snapshot to read, by id or name; nil for the disk as it is now.
  public var snapshot: String?
  /// Whether files that the image names, its backing file and its data file, are opened.
  public var followsExternalFiles = false
  /// Whether to read the image although a running QEMU may write to it.
  public var ignoresLocks = false
  /// Whether files may change while they are read. What is read is then whatever was there at that
  /// moment.
  public var allowsChanges = false

  /// The image from `source`, read as it is.
  public init(_ source: Source) {
    self.source = source
  }
}
