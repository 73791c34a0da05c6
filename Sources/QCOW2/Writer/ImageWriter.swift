// QCOW2: the image format. Format/ holds its structures without any I/O, Writer/ the allocation of
// host clusters, the tables and the refcounts. Nothing here knows why clusters are shared.

public import DiskIO
public import DiskImage

/// Writes the metadata of a new version 3 image, front to back: it hands out host clusters, counts
/// references and writes L2 tables as they fill. Data goes into the file by other hands.
///
/// One thread at a time uses it. Guest clusters are mapped in rising order.
///
///     header cluster · data, L2 tables and other clusters as they come · L1 table ·
///     refcount blocks · refcount table
public final class ImageWriter {
  /// The file that is being written.
  public let file: AtomicFile
  /// The size of its clusters.
  public let geometry: ClusterGeometry

  let limits: ImageLimits
  var counts = ReferenceCounts()
  /// How many clusters the file has so far, the header cluster included.
  var clusterCount: UInt64 = 1
  /// The host offset of each L2 table; 0 where there is none. As long as tables are used.
  var l2Tables: [UInt64] = []
  /// The L2 table that is being filled, big-endian, and its place in `l2Tables`.
  let table: AlignedBuffer
  var tableIndex: Int?
  /// Where the next compressed data may go, up to the end of its cluster.
  var compressedTail = HostOffset(0)
  /// One bit for each written L2 table that names clusters which have become shared since.
  var outdatedTables: [UInt64] = []

  /// Begins an image with nothing but a header cluster.
  ///
  /// - Parameters:
  ///   - file: An empty file.
  ///   - geometry: The size of its clusters.
  ///   - virtualSize: The size of the disk in bytes, or nil while that is not known.
  /// - Throws: `ImageWriterError.diskTooLarge`, or `.io` if there is no memory for a table.
  public init(
    file: AtomicFile, geometry: ClusterGeometry, virtualSize: UInt64?
  ) throws(ImageWriterError) {
    self.file = file
    self.geometry = geometry
    limits = ImageLimits(geometry)
    do {
      table = try AlignedBuffer(byteCount: geometry.clusterSize, purpose: "an L2 table")
    } catch {
      throw .io(error)
    }
    counts[0] = 1
    if let virtualSize { try check(virtualSize: virtualSize) }
  }

  /// Makes sure that QEMU opens a disk of this size with these clusters.
  ///
  /// - Parameter virtualSize: The size in bytes.
  /// - Throws: `ImageWriterError.diskTooLarge`.
  public func check(virtualSize: UInt64) throws(ImageWriterError) {
    guard virtualSize <= limits.virtualSize else {
      throw .diskTooLarge(
        virtualSize: virtualSize, clusterSize: geometry.clusterSize, limit: limits.virtualSize)
    }
  }

  /// Hands out clusters that nothing has used before, as one run at the end of the file.
  ///
  /// - Parameter count: How many.
  /// - Returns: Where the first begins. Their refcount is 0 until references are added.
  /// - Throws: `ImageWriterError.fileTooLarge`.
  public func allocate(clusters count: UInt64 = 1) throws(ImageWriterError) -> HostOffset {
    let limit = limits.hostClusters(.bits16)
    guard count <= limit - clusterCount else {
      throw fileTooLarge(clusterCount.addingReportingOverflow(count).partialValue, .bits16)
    }
    defer { clusterCount += count }
    return HostOffset(clusterCount << geometry.clusterBits)
  }

  /// Where the file ends so far.
  public var end: HostOffset { HostOffset(clusterCount << geometry.clusterBits) }

  /// The refcount of the cluster that holds the data of `mapping`: the highest, if compressed data
  /// touches more than one.
  public func references(to mapping: ClusterMapping) -> UInt32 {
    mapping.hostClusters(geometry).reduce(0) { max($0, counts[$1]) }
  }

  /// Counts further references to the data of `mapping`.
  ///
  /// - Parameters:
  ///   - count: How many.
  ///   - mapping: Where the data stands; with `count` more, its refcount is at most
  ///     `RefcountWidth.highest`.
  ///   - owner: The guest offset that was mapped there first, if this is not the first time; if the
  ///     table that maps it has been written, its COPIED flag is put right at the end.
  public func addReferences(
    _ count: UInt32, to mapping: ClusterMapping, mappedFrom owner: GuestOffset? = nil
  ) {
    for cluster in mapping.hostClusters(geometry) { counts[cluster] += count }
    if let owner, !mapping.isCompressed { markOutdated(tableMapping: owner) }
  }

  /// Takes one reference to the data of `mapping` back.
  ///
  /// - Parameters:
  ///   - mapping: Where the data stands.
  ///   - owner: The guest offset that was mapped there first.
  public func removeReference(to mapping: ClusterMapping, mappedFrom owner: GuestOffset) {
    for cluster in mapping.hostClusters(geometry) { counts[cluster] -= 1 }
    if !mapping.isCompressed { markOutdated(tableMapping: owner) }
  }

  func fileTooLarge(_ clusters: UInt64, _ width: RefcountWidth) -> ImageWriterError {
    .fileTooLarge(
      clusters: clusters, clusterSize: geometry.clusterSize, refcountBits: width.rawValue,
      limit: limits.hostClusters(width))
  }
}
