internal import DiskIO
package import DiskImage

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
    virtualSize: UInt64, method: Compression.Method? = nil, features: [ImageFeature] = [],
    extensions: [HeaderExtension] = []
  ) throws(ImageWriterError) -> FinishedImage {
    try check(virtualSize: virtualSize)
    try flushTable()
    try rewriteOutdatedTables()
    let l1EntryCount = limits.l1EntryCount(forVirtualSize: virtualSize)
    let l1 = try writeL1(entryCount: l1EntryCount)
    let highest = counts.highest
    let width = RefcountWidth(forHighest: highest)
    let refcounts = try writeRefcounts(width)
    let header = Header(
      clusterBits: geometry.clusterBits, virtualSize: virtualSize,
      l1EntryCount: UInt32(l1EntryCount), l1Offset: l1,
      refcountTableOffset: HostOffset(refcounts.firstTableCluster << geometry.clusterBits),
      refcountTableClusters: UInt32(refcounts.tableClusterCount),
      incompatibleFeatures: ImageFeature.bits(of: .incompatible, in: features),
      autoclearFeatures: ImageFeature.bits(of: .autoclear, in: features),
      refcountOrder: width.order, compression: method ?? .zlib)
    try writeHeader(header, features, extensions)
    return FinishedImage(
      fileSize: clusterCount << geometry.clusterBits, refcountWidth: width,
      highestReferenceCount: highest)
  }

  /// Writes the L1 table to clusters of its own.
  private func writeL1(entryCount: UInt64) throws(ImageWriterError) -> HostOffset {
    let clusters = geometry.clusterCount(forBytes: entryCount * 8)
    let host = try allocate(clusters: clusters)
    for index in 0..<clusters {
      counts[host.bytes >> geometry.clusterBits + index] = 1
    }
    do { try writeL1Entries(at: host) } catch { throw .io(error) }
    return host
  }

  private func writeL1Entries(at host: HostOffset) throws(IOError) {
    let perChunk = 32 << 10
    for start in stride(from: 0, to: l2Tables.count, by: perChunk) {
      var bytes: [UInt8] = []
      for table in l2Tables[start..<min(start + perChunk, l2Tables.count)] {
        // An L2 table is never shared, so COPIED stands wherever there is one.
        bytes.append(bigEndian: table == 0 ? 0 : table | TableEntry.copied)
      }
      try file.file.write(bytes, at: host.bytes + UInt64(start) * 8)
    }
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
      try file.file.truncate(to: clusterCount << geometry.clusterBits)
      try file.file.write(bytes, at: 0)
    } catch {
      throw .io(error)
    }
  }
}
