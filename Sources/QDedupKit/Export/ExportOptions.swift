public import SystemPackage

/// Everything that decides what an export does, checked before any I/O.
public struct ExportOptions: Sendable {
  /// Where the disk goes.
  public enum Output: Equatable, Sendable {
    /// A file to make, or a block device to write to.
    case path(FilePath)
    /// Standard output, from front to back.
    case standardOutput
  }

  /// What to read: any image that a conversion reads, but for a pipe.
  public var input: InputOptions
  /// Where the disk goes.
  public var output: Output
  /// Whether a file of the output's name may be replaced, and a block device overwritten.
  public var overwrites = false
  /// Whether to read the output back and compare it with the image; not for standard output.
  public var verifies = false
  /// Whether to wait until the output is on the disk.
  public var syncs = true
  /// How many threads work, at least 1.
  public var threads: Int {
    didSet { threads = max(1, threads) }
  }

  /// The options that have no defaults; the others are set afterwards.
  public init(input: InputOptions, output: Output, threads: Int) {
    self.input = input
    self.output = output
    self.threads = max(1, threads)
  }
}
