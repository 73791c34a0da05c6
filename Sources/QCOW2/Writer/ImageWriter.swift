// QCOW2: the image format. Format/ has its structures without any I/O, Compression/ what is done to
// single clusters, Reader/ an image as a source of a disk, Writer/ the making of one, Check/ the
// check of one. Each folder uses only those before it; Writer and Check do not know each other.
// Nothing here knows why clusters are shared.

public import DiskIO
public import DiskImage

/// Writes the metadata of a new version 3 image, front to back. Data goes into the file by other
/// hands: they ask for room, write there, count references and map guest clusters.
///
///     header cluster · L1 table · data, L2 tables and other clusters as they come ·
///     refcount blocks · refcount table
///
/// The L1 table is in front if the disk's size is known from the start, else (a pipe) after the data.
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
  public let file: OpenFile
  /// The size of its clusters.
  public let geometry: ClusterGeometry

  private let limits: ImageLimits
  private let clusters: HostClusters
  /// The tables of the disk that is being written; each disk has its own.
  private var tables: GuestTables
  /// The tables of all disks; nil in a file without versions.
  private let shared: TableIndex?
  /// Room for the L1 table of the image's own disk, in front, if its size was known; nil once it is
  /// used.
  private var frontL1: (host: HostOffset, entryCount: UInt64)?

  /// Begins an image with nothing but a header cluster.
  ///
  /// - Parameters:
  ///   - file: An empty file.
  ///   - geometry: The size of its clusters.
  ///   - virtualSize: The size of the disk in bytes, or nil while that is not known.
  ///   - holdsVersions: Whether the image gets snapshots that share clusters and tables with its
  ///     disk: COPIED is then never set.
  /// - Throws: `ImageWriterError.diskTooLarge`, or `.io` if there is no memory for a table.
  public convenience init(
    file: OpenFile, geometry: ClusterGeometry, virtualSize: UInt64?, holdsVersions: Bool = false
  ) throws(ImageWriterError) {
    var shared: TableIndex?
    if holdsVersions {
      do { shared = try TableIndex(file, tableBytes: geometry.clusterSize) } catch {
        throw .io(error)
      }
    }
    try self.init(file: file, geometry, HostClusters(newFile: geometry), shared: shared)
    guard let virtualSize else { return }
    try check(virtualSize: virtualSize)
    let entryCount = limits.l1EntryCount(forVirtualSize: virtualSize)
    frontL1 = (try allocateL1(entryCount), entryCount)
  }

  /// Room for an L1 table.
  private func allocateL1(_ entryCount: UInt64) throws(ImageWriterError) -> HostOffset {
    try clusters.allocateTable(geometry.clusterCount(forBytes: entryCount * 8))
      .lowerBound.offset(bits: geometry.clusterBits)
  }

  /// Goes on with an image that has clusters and tables already.
  init(
    file: OpenFile, _ geometry: ClusterGeometry, _ clusters: HostClusters, shared: TableIndex?
  ) throws(ImageWriterError) {
    self.file = file
    self.geometry = geometry
    self.clusters = clusters
    self.shared = shared
    limits = ImageLimits(geometry)
    tables = try GuestTables(geometry, clusters, shared: shared)
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

  /// Hands out a cluster for data that is stored as it is.
  ///
  /// - Parameter guest: The first guest cluster that is mapped to it.
  /// - Returns: The place. Its refcount is 0 until references are added.
  /// - Throws: `ImageWriterError.fileTooLarge`.
  public func allocateData(for guest: GuestOffset) throws(ImageWriterError) -> HostOffset {
    try clusters.allocateData(for: guest)
  }

  /// How far into a file programs look for the signatures of file systems, partitions and the like,
  /// in bytes; the farthest are at 256 KiB, and those of bcache, Btrfs and ISO 9660 at 4 to 64 KiB.
  package static let signatureArea: UInt64 = 4 << 20

  /// Whether a guest cluster must not be mapped to `mapping`, because its data would then be in the
  /// file where it is on the disk: programs that look for signatures would take the image for what
  /// is inside it.
  public func isOwnPlace(_ mapping: ClusterMapping, of guest: GuestOffset) -> Bool {
    !mapping.isCompressed && clusters.isOwnPlace(mapping.host(geometry), of: guest)
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

  // MARK: What was there before

  /// Whether the file had content before: then not all data is written by this writer, and what it
  /// writes does not only go forward in the file.
  package var continuesFile: Bool { clusters.reusesRoom }

  /// Whether the place that a hash store names holds data of a guest, old or new. For a file with
  /// content from before; whatever the store says is checked.
  package func holdsData(_ mapping: ClusterMapping) -> Bool { clusters.holdsData(mapping) }

  /// Whether the data of `mapping` was in the file before.
  package func isOld(_ mapping: ClusterMapping) -> Bool { clusters.wasUsed(mapping) }

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

  /// Where in the file the L2 entry is that maps a guest cluster; nil as long as it is not written.
  package func entryPlace(of guest: GuestOffset) -> HostOffset? { tables.entryPlace(of: guest) }
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

/// What the header of an image says besides the places of refcounts.
package struct ImageContents {
  /// The tables of the image's own disk.
  package var active: DiskTables
  /// Its snapshots, oldest first.
  package var snapshots: [SnapshotEntry] = []
  /// How compressed clusters are compressed, if there are any.
  package var method: CompressionMethod?
  /// The features to switch on and to name.
  package var features: [ImageFeature] = []
  /// Further header extensions.
  package var extensions: [HeaderExtension] = []

  /// An image with nothing but a disk.
  package init(active: DiskTables) { self.active = active }
}

extension ImageWriter {
  /// Writes what is still missing of the tables of a disk. The next cluster that is mapped is one of
  /// another disk.
  ///
  /// - Parameters:
  ///   - virtualSize: The size of the disk in bytes.
  ///   - isActive: Whether it is the image's own disk, whose L1 table may have room in front.
  /// - Returns: The disk's tables; none of their clusters has to be counted any more.
  /// - Throws: `ImageWriterError`.
  package func endDisk(
    virtualSize: UInt64, isActive: Bool
  ) throws(ImageWriterError) -> DiskTables {
    try check(virtualSize: virtualSize)
    try tables.finish(in: file.file)
    let entryCount = limits.l1EntryCount(forVirtualSize: virtualSize)
    let l1: HostOffset
    if isActive, let front = frontL1, front.entryCount == entryCount {
      l1 = front.host
      frontL1 = nil
    } else {
      l1 = try allocateL1(entryCount)
    }
    try tables.writeL1(at: l1, entryCount: Int(entryCount), in: file.file)
    tables = try GuestTables(geometry, clusters, shared: shared)
    return DiskTables(
      l1Offset: l1, l1EntryCount: UInt32(entryCount), virtualSize: virtualSize)
  }

  /// Makes a disk that is a copy of another one of the file: it shares all clusters and tables.
  ///
  /// - Parameters:
  ///   - disk: The other disk.
  ///   - isActive: Whether the copy is the image's own disk.
  /// - Returns: The tables of the copy: an L1 table of its own, and the same L2 tables, or, where
  ///   QEMU has set COPIED in one, another one without.
  /// - Throws: `ImageWriterError`.
  package func copyDisk(
    _ disk: DiskTables, isActive: Bool
  ) throws(ImageWriterError) -> DiskTables {
    let places: [HostOffset?]
    do { places = try TableWalk(file, geometry).l2Tables(of: disk) } catch { throw .io(error) }
    try tables.adopt(places, in: file.file)
    return try endDisk(virtualSize: disk.virtualSize, isActive: isActive)
  }

  /// Writes the table of snapshots, the refcounts and the header of a new image.
  ///
  /// - Parameter contents: What the header says.
  /// - Returns: What the image has become. The file is complete but not synced.
  /// - Throws: `ImageWriterError`.
  package func finish(_ contents: ImageContents) throws(ImageWriterError) -> FinishedImage {
    let (header, finished) = try writeMetadata(contents)
    let limit = min(geometry.clusterSize, Self.mostHeaderBytes)
    let bytes = try encode(header, contents, atMost: limit)
    do {
      try file.file.truncate(to: clusters.end.bytes)
      try file.file.write(bytes, at: 0)
    } catch {
      throw .io(error)
    }
    return finished
  }

  /// Writes all of a changed image but its header, and waits until it is on the disk.
  ///
  /// All that has to switch at once is in one sector, and nothing that the old header leads to has
  /// been overwritten, so a crash leaves the old image or the new one (Documentation/Versions.md,
  /// "The commit").
  ///
  /// - Parameter contents: What the header says.
  /// - Returns: The sector that makes the change take effect, and what the image is then.
  /// - Throws: `ImageWriterError`; the old image is as it was.
  package func prepareCommit(
    _ contents: ImageContents
  ) throws(ImageWriterError) -> ([UInt8], FinishedImage) {
    let (header, finished) = try writeMetadata(contents)
    var bytes = try encode(header, contents, atMost: Self.sectorBytes)
    bytes.append(contentsOf: repeatElement(0, count: Self.sectorBytes - bytes.count))
    do {
      if try file.file.size() < clusters.end.bytes {
        try file.file.truncate(to: clusters.end.bytes)
      }
      try file.file.sync()
    } catch {
      throw .io(error)
    }
    return (bytes, finished)
  }

  /// What a disk writes whole or not at all.
  private static let sectorBytes = 512

  private func writeMetadata(
    _ contents: ImageContents
  ) throws(ImageWriterError) -> (Header, FinishedImage) {
    let snapshots = try writeSnapshots(contents.snapshots)
    let highest = clusters.highestCount
    let width = RefcountWidth(forHighest: highest)
    let refcounts = try RefcountArea(in: clusters, geometry, width)
    try refcounts.write(clusters, to: file.file)
    let header = Header(
      clusterBits: geometry.clusterBits, virtualSize: contents.active.virtualSize,
      l1EntryCount: contents.active.l1EntryCount, l1Offset: contents.active.l1Offset,
      refcountTableOffset: refcounts.table.lowerBound.offset(bits: geometry.clusterBits),
      refcountTableClusters: UInt32(refcounts.table.count),
      snapshotCount: UInt32(contents.snapshots.count), snapshotsOffset: snapshots,
      incompatibleFeatures: ImageFeature.bits(of: .incompatible, in: contents.features),
      autoclearFeatures: ImageFeature.bits(of: .autoclear, in: contents.features),
      refcountOrder: width.order, compression: contents.method ?? .zlib)
    let finished = FinishedImage(
      fileSize: clusters.end.bytes, refcountWidth: width, highestReferenceCount: highest)
    return (header, finished)
  }

  /// Writes the table of snapshots, if there are any.
  private func writeSnapshots(
    _ snapshots: [SnapshotEntry]
  ) throws(ImageWriterError) -> HostOffset {
    if snapshots.isEmpty { return HostOffset(0) }
    let bytes = snapshots.flatMap { $0.encoded() }
    let host = try clusters.allocateTable(geometry.clusterCount(forBytes: UInt64(bytes.count)))
      .lowerBound.offset(bits: geometry.clusterBits)
    do { try file.file.write(bytes, at: host.bytes) } catch { throw .io(error) }
    return host
  }

  /// The header with all its extensions.
  private func encode(
    _ header: Header, _ contents: ImageContents, atMost limit: Int
  ) throws(ImageWriterError) -> [UInt8] {
    var bytes = header.encoded()
    if !contents.features.isEmpty {
      bytes += ImageFeature.nameTable(contents.features).encoded()
    }
    for item in contents.extensions { bytes += item.encoded() }
    bytes += HeaderExtension.end.encoded()
    guard bytes.count <= limit else {
      throw .headerTooLarge(bytes: bytes.count, limit: limit)
    }
    return bytes
  }
}
