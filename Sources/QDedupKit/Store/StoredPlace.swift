internal import DiskImage
package import QCOW2

/// How an entry of the hash store names the place of a cluster's data, its `physicalSector`: the
/// host offset / 512, or, with bit 63 set, the low 62 bits of a compressed cluster's L2 entry.
///
/// This is the only conversion between the two.
extension ClusterMapping {
  private static let compressed: UInt64 = 1 << 63

  /// The mapping that an entry's number stands for.
  package init(physicalSector: UInt64) {
    if physicalSector & Self.compressed != 0 {
      self.init(descriptor: physicalSector)
    } else {
      self.init(standard: HostOffset(physicalSector << 9))
    }
  }

  /// The number that stands for this mapping in an entry.
  package var physicalSector: UInt64 {
    if let descriptor { return Self.compressed | descriptor }
    return entry >> 9
  }
}
