internal import DiskIO
internal import DiskImage

/// The L1 and L2 tables of one disk, written as they fill. A file has one for each disk that it
/// holds.
///
/// Guest clusters are mapped in rising order, so one L2 table is in hand at a time. When a cluster of
/// a later table is mapped, the table in hand is written to a cluster of its own, `tables` notes
/// where, and memory never grows with the disk beyond 8 bytes for each L2 table.
///
/// COPIED must be set exactly where the refcount is 1, and counts go on changing: a cluster of a
/// table that has been written may be shared later. `markOutdated` notes such tables, a bit each;
/// `finish` reads them back, sets their flags again and writes them in place.
///
///     map → [table in hand] → write → tables[n] = where
///                                      │ a cluster becomes shared: markOutdated
///     finish: write the one in hand, rewrite outdated ones → writeL1
///
/// `writeInHand` alone decides where a full table goes, and `setCopiedFlags` alone which flags it
/// has.
///
/// One thread at a time uses it. Mapping costs O(1), a table one write, an outdated one a read and
/// another write.
final class GuestTables {
  private let geometry: ClusterGeometry
  private let clusters: HostClusters
  /// Where each written L2 table is; byte 0 where there is none. As long as tables are used.
  private var tables: [HostOffset] = []
  /// The L2 table in hand, big-endian.
  private let inHand: AlignedBuffer
  /// The number of the table in hand; nil if there is none.
  private var indexInHand: Int?
  /// One bit for each written L2 table that names clusters which have become shared since.
  private var outdated: [UInt64] = []

  /// The tables of a disk of which nothing is mapped.
  ///
  /// - Parameters:
  ///   - geometry: The size of clusters.
  ///   - clusters: Where tables get their room, and who knows which clusters are shared.
  /// - Throws: `ImageWriterError.io` if there is no memory for a table.
  init(_ geometry: ClusterGeometry, _ clusters: HostClusters) throws(ImageWriterError) {
    self.geometry = geometry
    self.clusters = clusters
    do {
      inHand = try AlignedBuffer(byteCount: geometry.clusterSize, purpose: "an L2 table")
    } catch {
      throw .io(error)
    }
  }

  /// Maps one guest cluster to the place that holds its data.
  ///
  /// - Parameters:
  ///   - guest: The guest cluster; never before one that was mapped earlier.
  ///   - mapping: The place.
  ///   - file: The image.
  /// - Throws: `ImageWriterError` if the table before it cannot be written.
  func map(
    _ guest: GuestOffset, to mapping: ClusterMapping, in file: borrowing OwnedFile
  ) throws(ImageWriterError) {
    let (index, slot) = place(of: guest)
    if index != indexInHand {
      try writeInHand(to: file)
      inHand.bytes.initializeMemory(as: UInt8.self, repeating: 0)
      indexInHand = index
    }
    inHand.bytes.storeBigEndian(mapping.entry, at: slot * 8)
  }

  /// Notes that the refcount of a cluster which `guest` was mapped to has changed between one and
  /// more: if the table that maps it has been written, its flags are set again at the end.
  func markOutdated(mapping guest: GuestOffset) {
    let index = place(of: guest).table
    guard index < tables.count else { return }
    let word = index / 64
    while word >= outdated.count { outdated.append(0) }
    outdated[word] |= 1 << UInt64(index % 64)
  }

  /// Writes the table in hand, and puts the flags of outdated ones right. References may not change
  /// after this.
  ///
  /// - Throws: `ImageWriterError`.
  func finish(in file: borrowing OwnedFile) throws(ImageWriterError) {
    try writeInHand(to: file)
    for (word, bits) in outdated.enumerated() where bits != 0 {
      for bit in 0..<64 where bits & 1 << bit != 0 {
        try rewrite(tables[word * 64 + bit], in: file)
      }
    }
    outdated = []
  }

  /// Writes the L1 table, once all L2 tables are written.
  ///
  /// - Parameters:
  ///   - host: Where it begins.
  ///   - file: The image.
  /// - Throws: `ImageWriterError.io`.
  func writeL1(at host: HostOffset, in file: borrowing OwnedFile) throws(ImageWriterError) {
    do throws(IOError) {
      try TableWriter.write(tables.count, at: host, to: file) {
        let table = tables[$0]
        // An L2 table of a new file is never shared, so COPIED is set wherever there is one.
        return table.bytes == 0 ? 0 : TableEntry.standard(table, isCopied: true)
      }
    } catch {
      throw .io(error)
    }
  }

  /// Writes the table in hand, if there is one, to a cluster of its own.
  private func writeInHand(to file: borrowing OwnedFile) throws(ImageWriterError) {
    guard let index = indexInHand else { return }
    let host = try clusters.allocateTable(1).lowerBound.offset(bits: geometry.clusterBits)
    setCopiedFlags()
    try write(at: host, to: file)
    tables.append(contentsOf: repeatElement(HostOffset(0), count: index - tables.count))
    tables.append(host)
    indexInHand = nil
  }

  /// Reads a table back into `inHand` and writes it again with the flags that it must have now.
  private func rewrite(
    _ host: HostOffset, in file: borrowing OwnedFile
  ) throws(ImageWriterError) {
    do { try file.readExactly(into: inHand.bytes, at: host.bytes) } catch { throw .io(error) }
    setCopiedFlags()
    try write(at: host, to: file)
  }

  /// Sets or clears COPIED in each entry of the table in hand, as the refcounts are now.
  private func setCopiedFlags() {
    for offset in stride(from: 0, to: inHand.bytes.count, by: 8) {
      let entry = UnsafeRawBufferPointer(inHand.bytes).loadBigEndian(UInt64.self, at: offset)
      guard entry & TableEntry.compressed == 0, let host = TableEntry.hostOffset(entry) else {
        continue
      }
      let isCopied = clusters.isReferencedOnce(host)
      inHand.bytes.storeBigEndian(TableEntry.standard(host, isCopied: isCopied), at: offset)
    }
  }

  private func write(
    at host: HostOffset, to file: borrowing OwnedFile
  ) throws(ImageWriterError) {
    do { try file.write(UnsafeRawBufferPointer(inHand.bytes), at: host.bytes) } catch {
      throw .io(error)
    }
  }

  /// The number of the L2 table that maps a guest cluster, and of its entry there.
  private func place(of guest: GuestOffset) -> (table: Int, slot: Int) {
    let cluster = geometry.clusterIndex(at: guest)
    let slotBits = geometry.clusterBits - 3
    return (Int(cluster >> slotBits), Int(cluster & (1 << slotBits - 1)))
  }
}
