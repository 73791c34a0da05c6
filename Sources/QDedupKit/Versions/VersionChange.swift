internal import DedupStore
internal import DiskIO
internal import DiskImage
internal import QCOW2

/// A change of a file with versions: which snapshots and which active disk it will have, what
/// becomes of its hash store, and the commit.
///
/// 1. `init` takes the versions that go out of the picture; nothing is written.
/// 2. Disks are written through `writer`, and become versions by `append`; `setActive` makes the
///    active disk a copy of one.
/// 3. `commit` saves the store, commits the image and gives freed room back.
///
/// If it goes out of use before the commit, what was written is removed again, and the file is as it
/// was.
final class VersionChange {
  /// The file.
  let opened: VersionsFile
  /// Writes what is added.
  var writer: ImageWriter { change.writer }

  private let change: ImageChange
  private let store: ChangedStore
  private var snapshots: [SnapshotEntry]
  private var active: DiskTables?

  /// What a commit has made of the file.
  struct Outcome {
    let image: FinishedImage
    let fileSize: UInt64
    /// What did not work afterwards.
    let warnings: [ReportWarning]
  }

  /// Begins a change.
  ///
  /// - Parameters:
  ///   - opened: The file, locked for changing.
  ///   - removed: The indices of the versions to remove.
  ///   - replacesActive: Whether the active disk goes too; `setActive` is to follow then.
  ///   - store: The hash store as it was saved.
  /// - Throws: `ConversionError` if tables cannot be read.
  init(
    _ opened: VersionsFile, removing removed: [Int] = [], replacesActive: Bool,
    store: ChangedStore
  ) throws(ConversionError) {
    self.opened = opened
    self.store = store
    let inventory = opened.inventory
    let gone = removed.map { opened.versions[$0] }
    let goneIndices = Set(gone.map(\.index))
    snapshots = inventory.snapshots.enumerated().filter { !goneIndices.contains($0.offset) }
      .map(\.element)
    active = replacesActive ? nil : inventory.active
    change = try converting(ConversionError.writer) { () throws(ImageWriterError) in
      try ImageChange(
        inventory, removing: gone.map(\.disk) + (replacesActive ? [inventory.active] : []),
        reserved: store.savedRegions)
    }
  }

  deinit { change.abandon() }

  /// Makes a disk that was written a version.
  ///
  /// - Returns: Its id.
  @discardableResult
  func append(_ name: VersionName, seconds: UInt32, _ disk: DiskTables) -> String {
    let id = SnapshotEntry.nextID(after: opened.inventory.snapshots + snapshots)
    snapshots.append(SnapshotEntry(id: id, name: name.text, seconds: seconds, disk: disk))
    return id
  }

  /// Makes a disk of the file a version, as it is: the active disk, which is to be replaced.
  func appendCopy(
    of disk: DiskTables, _ name: VersionName, seconds: UInt32
  ) throws(ConversionError) {
    append(name, seconds: seconds, try copy(of: disk))
  }

  /// Makes the active disk a copy of another disk of the file.
  func setActive(copyOf disk: DiskTables) throws(ConversionError) {
    active = try copy(of: disk)
  }

  private func copy(of disk: DiskTables) throws(ConversionError) -> DiskTables {
    try converting(ConversionError.writer) { () throws(ImageWriterError) in
      try writer.copyDisk(disk, isActive: false)
    }
  }

  /// Makes the change take effect. From then on nothing of it can be taken back.
  ///
  /// - Returns: What has become of the file.
  /// - Throws: `ConversionError`; if the image was not committed, the file is as it was.
  func commit() throws(ConversionError) -> Outcome {
    guard let active else { preconditionFailure("a change has no active disk") }
    var contents = ImageContents(active: active)
    contents.snapshots = snapshots
    contents.method = opened.inventory.metadata.compression
    contents.features = contents.method?.features ?? []
    if let saved = try store.save(through: writer) {
      contents.features.append(StoreInImage.feature)
      contents.extensions.append(saved)
    }
    let image = try converting(ConversionError.writer) { () throws(ImageWriterError) in
      try change.commit(contents)
    }
    // The change has taken effect: what fails now takes nothing of it back.
    do throws(ImageWriterError) {
      let size = try change.reclaim(reserved: store.newRegions)
      return Outcome(image: image, fileSize: size, warnings: [])
    } catch {
      return Outcome(
        image: image, fileSize: image.fileSize,
        warnings: [
          ReportWarning("not all freed room was given back to the file system: \(error)")
        ])
    }
  }
}
