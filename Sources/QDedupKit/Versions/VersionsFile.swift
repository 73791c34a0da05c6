internal import DedupStore
internal import DiskIO
internal import DiskImage
internal import QCOW2
internal import SystemPackage

/// A file with versions, or one that is to become such a file, open to be looked at or changed.
///
/// Opening it checks it whole, as `qdedup check` does, and finds out which version the active disk
/// is a copy of: the one whose L1 table names the same L2 tables, for the same size. QEMU gives a
/// disk new tables before it changes the first of its clusters, as versions share them all.
struct VersionsFile {
  /// The file, locked if it is to be changed.
  let file: OpenFile
  /// The same file, to read what it was when it was opened.
  let image: ImageFile
  /// What it holds.
  let inventory: ImageInventory
  /// Its versions, oldest first.
  let versions: [Version]
  /// The versions that the active disk is an unchanged copy of, oldest first. There are several if
  /// their content is the same.
  let activeVersions: [Int]

  /// Its name.
  var path: FilePath { file.path }
  /// The version that the active disk is a copy of: the newest, if several are equal.
  var active: Int? { activeVersions.last }

  /// Opens a file, as `init` does. That a QEMU has it open is an error of its own: there is no way to
  /// go on all the same.
  static func open(_ path: FilePath, changes: Bool) throws(ConversionError) -> VersionsFile {
    do throws(ImageError) {
      return try VersionsFile(path, changes: changes)
    } catch {
      if case .inUse(let path) = error { throw .version(.inUse(path)) }
      throw .image(error)
    }
  }

  /// Opens a file.
  ///
  /// - Parameters:
  ///   - path: Its name.
  ///   - changes: Whether it is going to be changed: then it is locked as by a QEMU that writes.
  /// - Throws: `ImageError` if it is in use, damaged, or of a kind that cannot hold versions.
  private init(_ path: FilePath, changes: Bool) throws(ImageError) {
    do throws(IOError) {
      file = OpenFile(
        changes ? try OwnedFile(changing: path) : try OwnedFile(readingFrom: path))
    } catch {
      throw .io(error)
    }
    if changes {
      guard try file.file.imageKind() == .regular else {
        throw .unsupported(
          path, reason: "a file with versions grows and shrinks; it must be a file")
      }
      try ImageLock.acquireForWriting(file.file)
    } else {
      try ImageLock.acquireForReading(file.file)
    }
    image = try ImageFile(try OwnedFile(readingImage: path))
    inventory = try ImageInventory(image, changing: file)
    versions = inventory.versions
    do throws(IOError) {
      let walk = try TableWalk(file, inventory.geometry)
      let active = try Self.tables(of: inventory.active, walk)
      var equal: [Int] = []
      for (index, version) in versions.enumerated()
      where version.virtualSize == inventory.active.virtualSize {
        if try Self.tables(of: version.disk, walk) == active { equal.append(index) }
      }
      activeVersions = equal
    } catch {
      throw .io(error)
    }
  }

  /// The L2 tables of a disk, up to the last.
  private static func tables(
    of disk: DiskTables, _ walk: TableWalk
  ) throws(IOError) -> [HostOffset?] {
    var tables = try walk.l2Tables(of: disk)
    while case .some(nil) = tables.last { tables.removeLast() }
    return tables
  }

  /// Makes sure that a snapshot of this name may be added.
  ///
  /// - Throws: `VersionError.nameTaken` or `.tooMany`.
  func requireFree(_ name: VersionName) throws(VersionError) {
    for entry in inventory.snapshots {
      let snapshot = Snapshot(entry)
      if snapshot.name == name.text || snapshot.id == name.text {
        throw .nameTaken(path, name.text)
      }
    }
    guard inventory.snapshots.count < Self.mostSnapshots else {
      throw .tooMany(path, limit: Self.mostSnapshots)
    }
  }

  private static let mostSnapshots = Int(ImageLimits.snapshots)

  /// What becomes of the active disk when another one takes its place.
  ///
  /// - Parameter choice: What the user said.
  /// - Returns: The name under which it stays as a version; nil if it can go.
  /// - Throws: `VersionError` if that is to be decided, or makes no sense.
  func resolve(_ choice: ActiveDiskChoice) throws(VersionError) -> VersionName? {
    switch (choice, active) {
    case (.refuse, .some), (.discard, nil): return nil
    case (.refuse, nil):
      throw .activeUnnamed(path, hasVersions: !versions.isEmpty)
    case (.keep(let name), nil):
      try requireFree(name)
      return name
    case (.keep, .some(let index)), (.discard, .some(let index)):
      throw .activeIsVersion(path, versions[index].name)
    }
  }
}
