internal import DiskIO
internal import DiskImage

/// The refcount blocks of a file and the table that leads to them: where they go, and their writing.
///
/// They come last, when all other places are known, and count their own clusters too, so their
/// number follows from itself: more blocks need more blocks. `size` finds the smallest number that
/// is enough when all of them are at the file's end. Clusters for the blocks may come in several
/// runs, in any places; only the table must be one run. If they find room further forward, the file
/// ends earlier and a block or two count nothing, which does no harm.
///
/// Refcounts are encoded from the counts of `HostClusters`, 256 KiB at a time: memory does not grow
/// with the file.
package struct RefcountArea {
  /// How many clusters blocks and table take.
  package struct Size: Equatable {
    /// The number of refcount blocks.
    package let blocks: UInt64
    /// The number of clusters of the refcount table.
    package let tableClusters: UInt64

    /// The fewest that count `used` clusters, and themselves after those.
    ///
    /// - Parameters:
    ///   - used: The number of other clusters, in use or not, from the file's beginning.
    ///   - clusterSize: In bytes.
    ///   - width: The width of a refcount.
    package init(after used: UInt64, clusterSize: Int, width: RefcountWidth) {
      let perBlock = UInt64(clusterSize / width.byteCount)
      let perTableCluster = UInt64(clusterSize / 8)
      var (blocks, tables) = (UInt64(1), UInt64(1))
      // Both only grow, and each round adds far less than the one before it.
      while true {
        let total = used + blocks + tables
        let neededBlocks = total.dividedUp(by: perBlock)
        let neededTables = neededBlocks.dividedUp(by: perTableCluster)
        if neededBlocks <= blocks, neededTables <= tables { break }
        (blocks, tables) = (max(blocks, neededBlocks), max(tables, neededTables))
      }
      self.blocks = blocks
      tableClusters = tables
    }
  }

  /// The clusters of the table.
  let table: Range<HostCluster>
  private let blocks: [Range<HostCluster>]
  private let geometry: ClusterGeometry
  private let width: RefcountWidth
  /// Whether the room may hold old bytes.
  private let reusesRoom: Bool

  /// Takes room for refcounts that count all clusters of a file, their own too.
  ///
  /// - Parameters:
  ///   - clusters: The file's clusters; no other room may be taken afterwards.
  ///   - geometry: Their size.
  ///   - width: The width of a refcount.
  /// - Throws: `ImageWriterError.fileTooLarge`.
  init(
    in clusters: HostClusters, _ geometry: ClusterGeometry, _ width: RefcountWidth
  ) throws(ImageWriterError) {
    let used = clusters.end.cluster(bits: geometry.clusterBits).index
    let size = Size(after: used, clusterSize: geometry.clusterSize, width: width)
    try clusters.checkCountable(
      upTo: HostCluster(used + size.blocks + size.tableClusters), width)
    blocks = [try clusters.allocateTable(size.blocks)]
    table = try clusters.allocateTable(size.tableClusters)
    self.geometry = geometry
    self.width = width
    reusesRoom = clusters.reusesRoom
  }

  /// Writes all blocks and the table.
  ///
  /// - Parameters:
  ///   - clusters: Who knows the counts, which may not change any more.
  ///   - file: The image.
  /// - Throws: `ImageWriterError.io`.
  func write(
    _ clusters: HostClusters, to file: borrowing OwnedFile
  ) throws(ImageWriterError) {
    do {
      try writeBlocks(clusters, to: file)
      try writeTable(to: file)
    } catch {
      throw .io(error)
    }
  }

  private func writeBlocks(
    _ clusters: HostClusters, to file: borrowing OwnedFile
  ) throws(IOError) {
    // Many small blocks go out in one write, as those of a run are side by side.
    let chunkSize = max(geometry.clusterSize, 256 << 10)
    let chunk = try AlignedBuffer(byteCount: chunkSize, purpose: "refcount blocks")
    var counted = HostCluster(0)
    for run in blocks {
      let place = run.lowerBound.offset(bits: geometry.clusterBits)
      let byteCount = UInt64(run.count) << UInt64(geometry.clusterBits)
      for start in stride(from: 0, to: byteCount, by: chunkSize) {
        let part = UnsafeMutableRawBufferPointer(
          rebasing: chunk.bytes[..<Int(min(UInt64(chunkSize), byteCount - start))])
        clusters.encodeCounts(from: counted, width, into: part)
        try file.write(UnsafeRawBufferPointer(part), at: place.bytes + start)
        counted = counted.advanced(by: part.count / width.byteCount)
      }
    }
  }

  private func writeTable(to file: borrowing OwnedFile) throws(IOError) {
    let bits = geometry.clusterBits
    let hosts = blocks.joined().lazy.map { $0.offset(bits: bits).bytes }
    var next = hosts.makeIterator()
    // In a new file what follows the last block's entry reads as zeros anyway.
    let count =
      reusesRoom
      ? table.count << (bits - 3) : blocks.reduce(0) { $0 + $1.count }
    try TableWriter.write(count, at: table.lowerBound.offset(bits: bits), to: file) { _ in
      next.next() ?? 0
    }
  }
}
