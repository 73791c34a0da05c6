// QCOW2: the image format. Format/ has its structures without any I/O, Compression/ what is done to
// single clusters, Reader/ an image as a source of a disk, Writer/ the making of one, Check/ the
// check of one. Each folder uses only those before it; Writer and Check do not know each other.
// Nothing here knows why clusters are shared.

public import DiskIO
public import DiskImage

/// Writes the metadata of a new version 3 image, front to back. Data goes into the file by other
/// hands: they ask for room, write there, count references and map guest clusters.
///
///     header cluster · data, L2 tables and other clusters as they come · L1 table ·
///     refcount blocks · refcount table
///
/// It is the face of three parts, none of which knows what the others hide:
/// - `HostClusters` hands out clusters and counts references,
/// - `GuestTables` has the L1 and L2 tables of the disk,
/// - `RefcountArea` has the refcounts, at the end.
///
/// The order of calls: `allocate` and `addReferences` and `map` in any number, guest clusters in
/// rising order; then `finish`, once. Until then the file has no header and is no image; if anything
/// throws, it is thrown away.
///
/// One thread at a time uses it. Memory: a byte for each host cluster and eight for each L2 table.
public final class ImageWriter {
  /// The file that is being written.
  public let file: AtomicFile
  /// The size of its clusters.
  public let geometry: ClusterGeometry

  private let limits: ImageLimits
  private let clusters: HostClusters
  private let tables: GuestTables

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
    clusters = HostClusters(newFile: geometry)
    tables = try GuestTables(geometry, clusters)
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

  // MARK: Room

  /// Where the file ends so far.
  public var end: HostOffset { clusters.end }

  /// Hands out clusters that nothing has used before, as one run.
  ///
  /// - Parameter count: How many.
  /// - Returns: Where the first begins. Their refcount is 0 until references are added.
  /// - Throws: `ImageWriterError.fileTooLarge`.
  public func allocate(clusters count: UInt64 = 1) throws(ImageWriterError) -> HostOffset {
    try clusters.allocate(count).lowerBound.offset(bits: geometry.clusterBits)
  }

  /// Hands out room for the compressed data of a cluster, directly after the data before it: in
  /// what is left of that cluster, and on into the next one if that is the file's end.
  ///
  /// - Parameters:
  ///   - byteCount: The compressed size in bytes, at least 1.
  ///   - references: How many references to it will be added.
  ///   - limit: The highest refcount that a host cluster may have; at least `references`.
  /// - Returns: The place. Its references are not counted yet.
  /// - Throws: `ImageWriterError.fileTooLarge`.
  public func allocate(
    compressedBytes byteCount: Int, references: UInt32, limit: UInt32
  ) throws(ImageWriterError) -> ClusterMapping {
    try clusters.allocate(compressedBytes: byteCount, references: references, limit: limit)
  }

  // MARK: References and mappings

  /// The refcount of the cluster that holds the data of `mapping`: the highest, if compressed data
  /// touches more than one.
  public func references(to mapping: ClusterMapping) -> UInt32 {
    clusters.references(to: mapping)
  }

  /// Counts further references to the data of `mapping`.
  ///
  /// - Parameters:
  ///   - count: How many.
  ///   - mapping: Where the data is; with `count` more, its refcount is at most
  ///     `RefcountWidth.highest`.
  ///   - owner: The guest offset that was mapped there first, if this is not the first time; if the
  ///     table that maps it has been written, its COPIED flag is put right at the end.
  public func addReferences(
    _ count: UInt32, to mapping: ClusterMapping, mappedFrom owner: GuestOffset? = nil
  ) {
    clusters.addReferences(count, to: mapping)
    if let owner, !mapping.isCompressed { tables.markOutdated(mapping: owner) }
  }

  /// Takes one reference to the data of `mapping` back.
  ///
  /// - Parameters:
  ///   - mapping: Where the data is.
  ///   - owner: The guest offset that was mapped there first.
  public func removeReference(to mapping: ClusterMapping, mappedFrom owner: GuestOffset) {
    clusters.removeReference(to: mapping)
    if !mapping.isCompressed { tables.markOutdated(mapping: owner) }
  }

  /// Maps one guest cluster to the place that holds its data.
  ///
  /// - Parameters:
  ///   - guest: The guest cluster; never before one that was mapped earlier.
  ///   - mapping: The place.
  /// - Throws: `ImageWriterError` if the table before it cannot be written.
  public func map(_ guest: GuestOffset, to mapping: ClusterMapping) throws(ImageWriterError) {
    try tables.map(guest, to: mapping, in: file.file)
  }
}

// MARK: The end

/// What an image has become once it is complete.
public struct FinishedImage: Equatable, Sendable {
  /// The size of the file in bytes.
  public let fileSize: UInt64
  /// The width of its refcounts.
  public let refcountWidth: RefcountWidth
  /// The highest refcount.
  public let highestReferenceCount: UInt32
}

extension ImageWriter {
  /// How many bytes a further header extension may have for the header to fit the first cluster,
  /// with room left for what QEMU adds when it rewrites the header (its own feature names, the
  /// name of a backing file).
  ///
  /// - Parameter features: The features that will be named.
  /// - Returns: A number of bytes, 0 if there is no room.
  public func roomForExtension(besides features: [ImageFeature]) -> Int {
    Self.roomForExtension(besides: features, geometry)
  }

  /// The same for images with clusters of a size.
  package static func roomForExtension(
    besides features: [ImageFeature], _ geometry: ClusterGeometry
  ) -> Int {
    let fixed =
      Header.length + ImageFeature.nameTable(features).encoded().count
      + 2 * HeaderExtension.prefixSize
    let reserve = min(geometry.clusterSize / 4, reserveForQEMU)
    return max(0, geometry.clusterSize - fixed - reserve)
  }

  /// QEMU's table of eight feature names, a backing format and a backing file name of 1,023 bytes.
  private static let reserveForQEMU = 1472

  /// Writes what is still missing: the last L2 table, the L1 table, refcounts and header.
  ///
  /// - Parameters:
  ///   - virtualSize: The size of the disk in bytes.
  ///   - method: How compressed clusters are compressed, if there are any.
  ///   - features: The features to switch on and to name.
  ///   - extensions: Further header extensions.
  /// - Returns: What the image has become. The file is complete but not synced.
  /// - Throws: `ImageWriterError`.
  public func finish(
    virtualSize: UInt64, method: CompressionMethod? = nil, features: [ImageFeature] = [],
    extensions: [HeaderExtension] = []
  ) throws(ImageWriterError) -> FinishedImage {
    try check(virtualSize: virtualSize)
    try tables.finish(in: file.file)
    let l1EntryCount = limits.l1EntryCount(forVirtualSize: virtualSize)
    let l1 = try clusters.allocateTable(geometry.clusterCount(forBytes: l1EntryCount * 8))
      .lowerBound.offset(bits: geometry.clusterBits)
    try tables.writeL1(at: l1, in: file.file)
    let highest = clusters.highestCount
    let width = RefcountWidth(forHighest: highest)
    let refcounts = try RefcountArea(in: clusters, geometry, width)
    try refcounts.write(clusters, to: file.file)
    let header = Header(
      clusterBits: geometry.clusterBits, virtualSize: virtualSize,
      l1EntryCount: UInt32(l1EntryCount), l1Offset: l1,
      refcountTableOffset: refcounts.table.lowerBound.offset(bits: geometry.clusterBits),
      refcountTableClusters: UInt32(refcounts.table.count),
      incompatibleFeatures: ImageFeature.bits(of: .incompatible, in: features),
      autoclearFeatures: ImageFeature.bits(of: .autoclear, in: features),
      refcountOrder: width.order, compression: method ?? .zlib)
    try writeHeader(header, features, extensions)
    return FinishedImage(
      fileSize: clusters.end.bytes, refcountWidth: width, highestReferenceCount: highest)
  }

  private func writeHeader(
    _ header: Header, _ features: [ImageFeature], _ extensions: [HeaderExtension]
  ) throws(ImageWriterError) {
    var bytes = header.encoded()
    if !features.isEmpty { bytes += ImageFeature.nameTable(features).encoded() }
    for item in extensions { bytes += item.encoded() }
    bytes += HeaderExtension.end.encoded()
    guard bytes.count <= geometry.clusterSize else {
      throw .headerTooLarge(bytes: bytes.count, clusterSize: geometry.clusterSize)
    }
    do {
      try file.file.truncate(to: clusters.end.bytes)
      try file.file.write(bytes, at: 0)
    } catch {
      throw .io(error)
    }
  }
}
