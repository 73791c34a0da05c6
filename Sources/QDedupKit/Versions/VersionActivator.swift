internal import DiskIO
internal import DiskImage
internal import QCOW2
public import SystemPackage

/// Makes the active disk of a file a copy of one of its versions.
public struct VersionActivator: Sendable {
  private let path: FilePath
  private let name: String
  private let active: ActiveDiskChoice
  private let seconds: UInt32
  private let progress: Progress

  /// An activation.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - name: The version's name or id.
  ///   - active: What becomes of an active disk that is no copy of a version.
  ///   - seconds: The date of the version that it may become.
  ///   - progress: Asked whether to go on.
  public init(
    _ path: FilePath, _ name: String, active: ActiveDiskChoice, seconds: UInt32,
    progress: Progress = Progress()
  ) {
    self.path = path
    self.name = name
    self.active = active
    self.seconds = seconds
    self.progress = progress
  }

  /// Makes the version active. No data moves: only an L1 table and the refcounts are written.
  ///
  /// - Returns: What was done.
  /// - Throws: `ConversionError`; the file is then as it was.
  public func run() throws(ConversionError) -> VersionsReport {
    let opened = try VersionsFile.open(path, changes: true)
    let (index, kept) = try converting(ConversionError.version) {
      () throws(VersionError) -> (Int, VersionName?) in
      let index = try opened.index(of: name)
      return (index, opened.activeVersions.contains(index) ? nil : try opened.resolve(active))
    }
    if opened.activeVersions.contains(index) { return VersionsReport("activate", opened) }
    let change = try VersionChange(
      opened, replacesActive: true, store: try ChangedStore(opened))
    if let kept {
      try change.appendCopy(of: opened.inventory.active, kept, seconds: seconds)
    }
    try change.setActive(copyOf: opened.versions[index].disk)
    if progress.isCancelled { throw .interrupted }
    let outcome = try change.commit()
    return VersionsReport("activate", opened, activated: opened.versions[index].name, outcome)
  }
}
