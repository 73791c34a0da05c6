public import DiskImage

/// Where the data of a guest cluster is in the file: what its L2 entry says, without the COPIED
/// flag (qcow2 specification, "Cluster mapping").
///
/// A standard cluster is named by its host offset. A compressed cluster by a descriptor: with
/// x = 62 − (cluster_bits − 8), bits 0 to x − 1 are the host offset of its first byte, bits x to 61
/// the number of 512-byte sectors that it reaches into beyond the first; bit 62 is set.
public struct ClusterMapping: Hashable, Sendable {
  /// The L2 entry. Never 0.
  public let entry: UInt64

  /// A cluster that is stored as it is.
  public init(standard host: HostOffset) {
    entry = host.bytes
  }

  /// A cluster that is stored compressed.
  ///
  /// - Parameters:
  ///   - host: The place of its first byte.
  ///   - byteCount: Its compressed size, small enough for `additionalSectors` to fit.
  ///   - geometry: The size of the image's clusters.
  init(compressedAt host: HostOffset, byteCount: Int, _ geometry: ClusterGeometry) {
    let sectors = Self.additionalSectors(host, byteCount: byteCount)
    entry = TableEntry.compressed | sectors << Self.offsetBits(geometry) | host.bytes
  }

  /// A cluster that is stored compressed where a descriptor says.
  ///
  /// - Parameter descriptor: Bits 0 to 61 of the L2 entry; higher bits are ignored.
  package init(descriptor: UInt64) {
    entry = TableEntry.compressed | descriptor & (TableEntry.compressed - 1)
  }

  /// What an L2 entry says; nil if the cluster is unallocated.
  init?(l2Entry: UInt64) {
    let isCompressed = l2Entry & TableEntry.compressed != 0
    entry = l2Entry & (isCompressed ? ~TableEntry.copied : TableEntry.offsetMask)
    if entry == 0 { return nil }
  }

  /// The descriptor of a compressed cluster, bits 0 to 61 of its L2 entry; nil for a standard one.
  package var descriptor: UInt64? { isCompressed ? entry & ~TableEntry.compressed : nil }

  /// Whether the data is compressed.
  public var isCompressed: Bool { entry & TableEntry.compressed != 0 }

  /// The place of the first byte of the data.
  public func host(_ geometry: ClusterGeometry) -> HostOffset {
    guard isCompressed else { return HostOffset(entry) }
    return HostOffset(entry & (1 << Self.offsetBits(geometry) - 1))
  }

  /// How many bytes from `host` on may belong to the data: the size of a cluster, or, for a
  /// compressed one, all up to the end of its last sector.
  public func byteCount(_ geometry: ClusterGeometry) -> Int {
    guard isCompressed else { return geometry.clusterSize }
    let sectors = (entry & ~TableEntry.compressed) >> Self.offsetBits(geometry)
    return Int(sectors + 1) << 9 - Int(host(geometry).bytes & 511)
  }

  /// The host clusters that the data touches; each counts one reference.
  func hostClusters(_ geometry: ClusterGeometry) -> ClosedRange<HostCluster> {
    let first = host(geometry)
    let last = first.advanced(by: UInt64(byteCount(geometry)) - 1)
    return first.cluster(bits: geometry.clusterBits)...last.cluster(bits: geometry.clusterBits)
  }

  /// Whether a descriptor can say that `byteCount` bytes are at `host`.
  static func canDescribe(
    _ host: HostOffset, byteCount: Int, _ geometry: ClusterGeometry
  ) -> Bool {
    additionalSectors(host, byteCount: byteCount) < 1 << UInt64(geometry.clusterBits - 8)
  }

  /// The first place in a file that a descriptor cannot name: 512 TiB with clusters of 2 MiB, more
  /// with smaller ones.
  static func compressedEnd(_ geometry: ClusterGeometry) -> HostOffset {
    HostOffset(1 << offsetBits(geometry))
  }

  private static func additionalSectors(_ host: HostOffset, byteCount: Int) -> UInt64 {
    (host.bytes & 511 + UInt64(byteCount) - 1) >> 9
  }

  /// The number of bits for the host offset in a descriptor: x above.
  private static func offsetBits(_ geometry: ClusterGeometry) -> UInt64 {
    UInt64(62 - (geometry.clusterBits - 8))
  }
}
