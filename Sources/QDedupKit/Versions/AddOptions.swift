public import SystemPackage

/// Everything that decides what adding a version does, checked before any I/O.
///
/// Cluster size, compression method and hash store are the file's.
public struct AddOptions: Sendable {
  /// The file with versions.
  public var file: FilePath
  /// What is added: whatever a conversion reads.
  public var input: InputOptions
  /// The name of the new version.
  public var name: VersionName
  /// Its date, in seconds since 1970; also that of the version which the active disk may become.
  public var seconds: UInt32 = 0
  /// Whether the active disk stays what it is; else it becomes a copy of the new version.
  public var keepsActive = false
  /// What becomes of an active disk that is to be replaced and is no copy of a version.
  public var active = ActiveDiskChoice.refuse
  /// The level of compression; nil for the method's default.
  public var compressionLevel: Int?
  /// Whether to read the new version back and compare it with the input before the commit.
  public var verifies = false
  /// How many threads work, and where the report goes.
  public var run: ConvertOptions.Run

  /// The options that have no defaults.
  ///
  /// - Parameters:
  ///   - file: The file with versions.
  ///   - input: Where the input comes from.
  ///   - name: The name of the new version.
  ///   - threads: How many threads work, at least 1.
  public init(
    _ file: FilePath, input: InputOptions.Source, name: VersionName, threads: Int
  ) {
    self.file = file
    self.input = InputOptions(input)
    self.name = name
    run = ConvertOptions.Run(threads: threads)
  }
}
