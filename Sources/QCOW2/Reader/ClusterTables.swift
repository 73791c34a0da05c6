internal import DiskIO
package import DiskImage

/// The L1 and L2 tables of an image, or of one of its snapshots: they say where guest bytes are.
///
/// The L1 table's entry for a guest offset names an L2 table, whose entry names the cluster
/// (qcow2 specification, "Cluster mapping"). `run` answers with the longest run that one piece of a
/// table gives: 16 KiB of entries, 8 MiB of the disk with clusters of 4 KiB. Callers ask again for
/// what follows.
///
/// Tables are read piece by piece as they are needed, and `TableCache` keeps the pieces in use. An L1
/// table without entries, and an L2 table that is all zeros, are passed in one step for each piece,
/// as a sparse disk has many.
///
/// Nothing they say is trusted before it has been checked: alignment, the file's end, reserved
/// combinations. They must not change while they are read. Any thread may ask; a question costs a
/// look into the cache, and at most two reads of 16 KiB.
package final class ClusterTables: Sendable {
  private let file: ImageFile
  private let cache: TableCache
  let geometry: TableGeometry
  private let version: UInt32
  /// Whether guest data is in another file, where a cluster may begin at byte 0.
  private let hasDataFile: Bool
  private let l1Offset: HostOffset
  private let l1EntryCount: UInt64
  /// The size of the disk in bytes: whole sectors.
  package let virtualSize: UInt64

  /// The tables of an image, or of a snapshot of it.
  ///
  /// - Parameters:
  ///   - metadata: The image's header, which can be read.
  ///   - snapshot: The snapshot; nil for the image as it is now.
  ///   - file: The image.
  /// - Throws: `ImageError` if the L1 table is not where it can be.
  package init(
    _ metadata: ImageMetadata, snapshot: Snapshot? = nil, file: ImageFile
  ) throws(ImageError) {
    self.file = file
    cache = TableCache(file)
    geometry = TableGeometry(metadata.header)
    version = metadata.header.version
    hasDataFile = metadata.dataFile != nil
    l1Offset = snapshot?.l1Offset ?? metadata.header.l1Offset
    l1EntryCount = UInt64(snapshot?.l1EntryCount ?? metadata.header.l1EntryCount)
    virtualSize = snapshot?.virtualSize ?? metadata.virtualSize
    let most = ImageLimits.l1Size / ImageLimits.tableEntrySize
    guard l1EntryCount <= most, virtualSize <= most * geometry.bytesPerTable else {
      throw file.malformed(
        """
        the snapshot's L1 table has \(l1EntryCount) entries for a disk of \(virtualSize) bytes, \
        must be at most \(most) entries of \(geometry.bytesPerTable) bytes each
        """)
    }
    if l1EntryCount == 0 { return }
    guard geometry.isClusterAligned(l1Offset) else {
      throw file.malformed(
        "an L1 table at byte \(l1Offset.bytes), must be a multiple of the cluster size")
    }
    try file.check(l1EntryCount * ImageLimits.tableEntrySize, at: l1Offset, "the L1 table")
  }

  /// Where guest bytes are, from a place on for as long as they are there in one run.
  ///
  /// - Parameters:
  ///   - offset: The guest offset of the first byte, less than `virtualSize`.
  ///   - limit: The most bytes that matter, more than 0.
  /// - Returns: A run of 1 to `limit` bytes; what follows it may continue it.
  /// - Throws: `ImageError.malformed` if the tables say what cannot be.
  package func run(at offset: GuestOffset, limit: UInt64) throws(ImageError) -> MappedRun {
    let index = offset.bytes >> UInt64(geometry.clusterBits + geometry.entryBits)
    guard index < l1EntryCount else { return MappedRun(.unallocated, limit) }
    let entriesPerPiece = UInt64(TableCache.pieceBytes / 8)
    let first = index / entriesPerPiece * entriesPerPiece
    let l1 = try cache.piece(
      at: l1Offset.advanced(by: first * 8),
      byteCount: Int(min(entriesPerPiece, l1EntryCount - first)) * 8,
      "the L1 table"
    ).words
    guard let table = TableEntry.hostOffset(l1[Int(index - first)]) else {
      let next = l1[Int(index - first)...].firstIndex { TableEntry.hostOffset($0) != nil }
      let end = (first + UInt64(next ?? l1.count)) * geometry.bytesPerTable
      return MappedRun(.unallocated, min(limit, end - offset.bytes))
    }
    guard geometry.isClusterAligned(table) else {
      throw file.malformed(
        "L1 entry \(index) names byte \(table.bytes), must be a multiple of the cluster size")
    }
    return try run(at: offset, limit: limit, inTable: table)
  }

  /// The run that begins at `offset`, by the L2 table at `table`.
  private func run(
    at offset: GuestOffset, limit: UInt64, inTable table: HostOffset
  ) throws(ImageError) -> MappedRun {
    let cluster = offset.bytes >> UInt64(geometry.clusterBits)
    let entry = Int(cluster & (1 << UInt64(geometry.entryBits) - 1))
    let pieceBytes = min(TableCache.pieceBytes, Int(geometry.clusterSize))
    let entriesPerPiece = pieceBytes / 8 / geometry.wordsPerEntry
    let start = entry / entriesPerPiece
    let piece = try cache.piece(
      at: table.advanced(by: UInt64(start * pieceBytes)), byteCount: pieceBytes, "an L2 table")
    let first = start * entriesPerPiece
    if piece.isEmpty {
      let rest = UInt64(first + entriesPerPiece - entry) << UInt64(geometry.clusterBits)
      let inCluster = offset.bytes & (geometry.clusterSize - 1)
      return MappedRun(.unallocated, min(limit, rest - inCluster))
    }
    let units = L2Units(
      piece.words, geometry, version: version, hasDataFile: hasDataFile)
    do {
      let run = try units.run(from: entry - first, at: offset, limit)
      try check(run, at: offset)
      return run
    } catch {
      throw file.malformed("\(error.reason), in the L2 entry of guest byte \(offset.bytes)")
    }
  }

  /// In a data file everything is where the guest sees it.
  private func check(_ run: MappedRun, at offset: GuestOffset) throws(FormatError) {
    guard hasDataFile, case .standard(let host) = run.place else { return }
    try FormatError.require(
      host.bytes == offset.bytes,
      "a place at byte \(host.bytes) of the data file, must be the guest's \(offset.bytes)")
  }
}
