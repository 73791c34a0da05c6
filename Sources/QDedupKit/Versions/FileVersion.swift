internal import DiskImage
internal import QCOW2

/// A version of a file: an internal snapshot without the state of a machine (Documentation/Versions.md).
public struct Version: Equatable, Sendable {
  /// Its id, unique in the file: a number as text.
  public let id: String
  /// Its name.
  public let name: String
  /// When it was made, in seconds since 1970.
  public let seconds: UInt32
  /// The tables of its disk.
  let disk: DiskTables
  /// Its place in the table of snapshots.
  let index: Int

  /// The size of its disk in bytes.
  public var virtualSize: UInt64 { disk.virtualSize }
}

extension ImageInventory {
  /// The versions among the snapshots, oldest first.
  var versions: [Version] {
    snapshots.enumerated().compactMap { index, entry in
      let snapshot = Snapshot(entry)
      guard snapshot.machineStateSize == 0 else { return nil }
      return Version(
        id: snapshot.id, name: snapshot.name, seconds: snapshot.seconds, disk: disk(of: entry),
        index: index)
    }
  }

}
