internal import DiskIO
internal import DiskImage
internal import QCOW2
public import SystemPackage

/// Lists the versions of a file, and what each of them takes.
public struct VersionLister: Sendable {
  private let path: FilePath

  /// A lister of one file.
  public init(_ path: FilePath) {
    self.path = path
  }

  /// Looks at the file. All tables are read: O(tables of all versions).
  ///
  /// - Returns: The versions; none, if the file is a sound image without.
  /// - Throws: `ConversionError` if it cannot be read, is damaged, or is in use by a QEMU that
  ///   writes.
  public func run() throws(ConversionError) -> VersionList {
    let opened = try VersionsFile.open(path, changes: false)
    do throws(IOError) {
      let shares = VersionShares(opened.inventory)
      var items: [VersionList.Item] = []
      for (index, version) in opened.versions.enumerated() {
        let isActive = opened.activeVersions.contains(index)
        let share = try shares.share(of: version.disk, withActive: isActive)
        items.append(
          .init(
            name: version.name, id: version.id, date: UInt64(version.seconds),
            virtualSize: version.virtualSize, dataBytes: share.dataBytes,
            ownBytes: share.ownBytes, isActive: isActive))
      }
      return VersionList(
        tool: .current, path: path.string,
        fileSize: opened.inventory.byteCount,
        allocatedBytes: try opened.file.file.allocatedSize(),
        clusterSize: opened.inventory.geometry.clusterSize,
        active: .init(
          version: opened.active.map { opened.versions[$0].name },
          isChanged: opened.active == nil, virtualSize: opened.inventory.active.virtualSize),
        versions: items)
    } catch {
      throw .io(error)
    }
  }
}
