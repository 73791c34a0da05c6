/// The L1 table of one disk of an image, its own or a snapshot's: where it is, and how large the
/// disk is.
package struct DiskTables: Hashable, Sendable {
  /// Where the L1 table begins.
  package let l1Offset: HostOffset
  /// The number of its entries.
  package let l1EntryCount: UInt32
  /// The size of the disk in bytes.
  package let virtualSize: UInt64

  /// A disk with these tables.
  package init(l1Offset: HostOffset, l1EntryCount: UInt32, virtualSize: UInt64) {
    self.l1Offset = l1Offset
    self.l1EntryCount = l1EntryCount
    self.virtualSize = virtualSize
  }
}
