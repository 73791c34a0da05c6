internal import DedupStore
internal import DiskIO
internal import DiskImage
internal import QCOW2
public import SystemPackage

/// Removes versions from a file, and gives the room that only they had back to the file system.
public struct VersionRemover: Sendable {
  private let path: FilePath
  private let selection: VersionSelection
  private let active: ActiveDiskChoice
  private let seconds: UInt32
  private let progress: Progress

  /// A removal.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - selection: Which versions to remove.
  ///   - active: What becomes of an active disk that is no copy of a version: its clusters may be
  ///     shared with versions that go.
  ///   - seconds: The date of the version that it may become.
  ///   - progress: Asked whether to go on.
  public init(
    _ path: FilePath, _ selection: VersionSelection, active: ActiveDiskChoice, seconds: UInt32,
    progress: Progress = Progress()
  ) {
    self.path = path
    self.selection = selection
    self.active = active
    self.seconds = seconds
    self.progress = progress
  }

  /// Removes the versions. O(tables of all versions).
  ///
  /// - Returns: What was done.
  /// - Throws: `ConversionError`; the file is then as it was.
  public func run() throws(ConversionError) -> VersionsReport {
    let opened = try VersionsFile.open(path, changes: true)
    let (indices, name) = try converting(ConversionError.version) {
      () throws(VersionError) -> ([Int], VersionName?) in
      let indices = try selection.indices(in: opened)
      return (indices, indices.isEmpty ? nil : try opened.resolve(active))
    }
    if indices.isEmpty { return VersionsReport("remove", opened) }
    let isKept = opened.active != nil
    let store = try ChangedStore(opened)
    let change = try VersionChange(
      opened, removing: indices, replacesActive: !isKept, store: store)
    if !isKept { try replaceActive(of: change, name, indices) }
    let writer = change.writer
    let dropped = try store.dropStaleEntries(ContinuedStoreStorage(writer)) {
      writer.holdsData(ClusterMapping(physicalSector: $0.physicalSector))
    }
    if progress.isCancelled { throw .interrupted }
    let outcome = try change.commit()
    var report = VersionsReport(
      "remove", opened, removed: indices.map { opened.versions[$0].name }, outcome)
    report.droppedEntries = dropped
    return report
  }

  /// Makes the active disk a copy of the version that it becomes itself, or of the newest one left.
  private func replaceActive(
    of change: VersionChange, _ name: VersionName?, _ removed: [Int]
  ) throws(ConversionError) {
    let opened = change.opened
    if let name {
      try change.appendCopy(of: opened.inventory.active, name, seconds: seconds)
      return try change.setActive(copyOf: opened.inventory.active)
    }
    guard let newest = opened.versions.indices.last(where: { !removed.contains($0) }) else {
      throw .version(.removesAll(path))
    }
    try change.setActive(copyOf: opened.versions[newest].disk)
  }
}
