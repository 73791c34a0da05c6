public import DiskImage

/// The sizes beyond which QEMU does not open an image, for one cluster size.
public struct ImageLimits: Sendable {
  private let geometry: ClusterGeometry

  /// The limits of images with clusters of this size.
  public init(_ geometry: ClusterGeometry) {
    self.geometry = geometry
  }

  /// The most bytes that QEMU reads as an L1 table.
  static let l1Size: UInt64 = 32 << 20
  /// The most bytes that QEMU reads as a refcount table.
  static let refcountTableSize: UInt64 = 8 << 20
  /// The most bytes that QEMU takes as a backing file's name.
  static let backingNameLength: UInt32 = 1023
  /// The most internal snapshots that QEMU takes.
  package static let snapshots: UInt32 = 65_536
  /// The most bytes that QEMU reads as a snapshot table.
  static let snapshotTableSize: UInt64 = 64 << 20
  /// The most bytes of a snapshot's extra data.
  static let snapshotExtraData: UInt32 = 1024
  /// The size of an entry of either table in bytes.
  static let tableEntrySize: UInt64 = 8

  /// How many guest bytes one L2 table maps.
  package var bytesPerL2Table: UInt64 {
    UInt64(geometry.clusterSize) / Self.tableEntrySize * UInt64(geometry.clusterSize)
  }

  /// The largest disk, in bytes: as much as the largest L1 table maps.
  public var virtualSize: UInt64 { Self.l1Size / Self.tableEntrySize * bytesPerL2Table }

  /// How many entries the L1 table of a disk has: at least one, also for a disk without bytes.
  package func l1EntryCount(forVirtualSize virtualSize: UInt64) -> UInt64 {
    max(1, virtualSize.dividedUp(by: bytesPerL2Table))
  }

  /// The most clusters that a file can have: as many as the largest refcount table counts.
  package func hostClusters(_ width: RefcountWidth) -> UInt64 {
    let perBlock = UInt64(geometry.clusterSize / width.byteCount)
    return Self.refcountTableSize / Self.tableEntrySize * perBlock
  }

  /// How large a file may be for readers that reckon from the disk's size how many refcount blocks
  /// there are, and refuse a file with clusters beyond those: crosvm and Cloud Hypervisor
  /// (Documentation/Readers.md). It is the disk, its tables and the refcounts of both, rounded up to
  /// what a refcount block counts.
  ///
  /// - Parameters:
  ///   - virtualSize: The size of the disk in bytes, no more than `virtualSize` allows.
  ///   - width: How wide a refcount is.
  /// - Returns: The bytes.
  package func fileSizeFromDiskSize(_ virtualSize: UInt64, _ width: RefcountWidth) -> UInt64 {
    let clusterSize = UInt64(geometry.clusterSize)
    let perTable = clusterSize / Self.tableEntrySize
    let perBlock = clusterSize * 8 / UInt64(width.rawValue)
    let disk = virtualSize.dividedUp(by: clusterSize)
    let l2Tables = disk.dividedUp(by: perTable)
    let used = disk + l2Tables + l2Tables.dividedUp(by: perTable) + 1
    let blocks = used.dividedUp(by: perBlock)
    return (blocks + blocks.dividedUp(by: perBlock)) * perBlock * clusterSize
  }

  /// The smallest cluster size in bytes that allows a disk of `virtualSize`; nil if none does.
  package static func smallestClusterSize(forVirtualSize virtualSize: UInt64) -> Int? {
    var size = ClusterGeometry.allowedSizes.lowerBound
    while let geometry = ClusterGeometry(clusterSize: size) {
      if virtualSize <= ImageLimits(geometry).virtualSize { return size }
      size *= 2
    }
    return nil
  }
}

extension UInt64 {
  /// The quotient, rounded up.
  func dividedUp(by divisor: UInt64) -> UInt64 { self / divisor + (self % divisor == 0 ? 0 : 1) }
}
