/// An internal snapshot: the disk as it was at some time (qcow2 specification, "Snapshots").
public struct Snapshot: Equatable, Sendable {
  /// Its id, unique within the image; QEMU uses numbers. At most 255 bytes of it.
  public let id: String
  /// Its name, as the user gave it. At most 255 bytes of it.
  public let name: String
  /// When it was taken, in seconds since 1970.
  public let seconds: UInt32
  /// The size of the machine's state that was saved with it, in bytes; 0 for a disk alone.
  public let machineStateSize: UInt64
  /// The size of the disk in bytes; nil if the snapshot does not tell.
  public let virtualSize: UInt64?
  /// Where its L1 table begins.
  package let l1Offset: HostOffset
  /// The number of entries of that table.
  package let l1EntryCount: UInt32
}
