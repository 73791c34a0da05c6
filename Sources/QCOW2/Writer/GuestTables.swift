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
/// The disks of a file with versions share their tables: one that equals a table which is there
/// already is not written, and COPIED is never set, for a version and the active disk may come to
/// share any cluster (`TableIndex`).
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
  /// Finds equal tables of other disks; nil in a file without versions.
  private let shared: TableIndex?

  /// The tables of a disk of which nothing is mapped.
  ///
  /// - Parameters:
  ///   - geometry: The size of clusters.
  ///   - clusters: Where tables get their room, and who knows which clusters are shared.
  ///   - shared: The tables of all disks of a file with versions.
  /// - Throws: `ImageWriterError.io` if there is no memory for a table.
  init(
    _ geometry: ClusterGeometry, _ clusters: HostClusters, shared: TableIndex? = nil
  ) throws(ImageWriterError) {
    self.geometry = geometry
    self.clusters = clusters
    self.shared = shared
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

  /// Where in the file the entry is that maps a guest cluster; nil while there is none, or its table
  /// is in hand. O(1).
  func entryPlace(of guest: GuestOffset) -> HostOffset? {
    let (index, slot) = place(of: guest)
    guard index < tables.count, tables[index].bytes != 0 else { return nil }
    return HostOffset(tables[index].bytes + UInt64(slot * 8))
  }

  /// Notes that the refcount of a cluster which `guest` was mapped to has changed between one and
  /// more: if the table that maps it has been written, its flags are set again at the end.
  func markOutdated(mapping guest: GuestOffset) {
    if shared != nil { return }
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
  ///   - entryCount: The number of its entries; those at the end that map nothing are written only
  ///     where the file may hold something else.
  ///   - file: The image.
  /// - Throws: `ImageWriterError.io`.
  func writeL1(
    at host: HostOffset, entryCount: Int, in file: borrowing OwnedFile
  ) throws(ImageWriterError) {
    let count = clusters.reusesRoom ? entryCount : tables.count
    do throws(IOError) {
      try TableWriter.write(count, at: host, to: file) {
        let table = $0 < tables.count ? tables[$0] : HostOffset(0)
        // Without versions an L2 table is never shared, so COPIED is set wherever there is one.
        return table.bytes == 0 ? 0 : TableEntry.standard(table, isCopied: shared == nil)
      }
    } catch {
      throw .io(error)
    }
  }

  /// Writes the table in hand, if there is one, to a cluster of its own.
  private func writeInHand(to file: borrowing OwnedFile) throws(ImageWriterError) {
    guard let index = indexInHand else { return }
    append(try placeInHand(to: file), at: index)
    indexInHand = nil
  }

  /// Notes where an L2 table is; those before it that are missing map nothing.
  private func append(_ host: HostOffset, at index: Int) {
    tables.append(contentsOf: repeatElement(HostOffset(0), count: index - tables.count))
    tables.append(host)
  }

  /// Finds the table that equals the one in hand, or writes that one.
  ///
  /// - Returns: Where it is; it has one more reference.
  private func placeInHand(to file: borrowing OwnedFile) throws(ImageWriterError) -> HostOffset {
    let content = UnsafeRawBufferPointer(inHand.bytes)
    do {
      if let equal = try shared?.find(content) {
        clusters.addReference(toTable: equal)
        return equal
      }
    } catch {
      throw .io(error)
    }
    let host = try clusters.allocateTable(1).lowerBound.offset(bits: geometry.clusterBits)
    if shared == nil { setCopiedFlags() }
    try write(at: host, to: file)
    shared?.add(content, at: host)
    return host
  }

  /// Takes over all tables of another disk of the file: the same places, and one more reference to
  /// each table and each cluster of data. A table in which COPIED is set, as QEMU sets it, is written
  /// again without. This must be an empty disk of a file with versions.
  ///
  /// - Parameters:
  ///   - places: Where its tables are.
  ///   - file: The image.
  /// - Throws: `ImageWriterError`.
  func adopt(
    _ places: [HostOffset?], in file: borrowing OwnedFile
  ) throws(ImageWriterError) {
    for (index, place) in places.enumerated() {
      guard let place else { continue }
      do { try file.readExactly(into: inHand.bytes, at: place.bytes) } catch { throw .io(error) }
      let wasClean = clearCopiedFlags()
      addReferencesOfInHand()
      if wasClean {
        clusters.addReference(toTable: place)
        append(place, at: index)
      } else {
        append(try placeInHand(to: file), at: index)
      }
    }
  }

  /// Clears COPIED in each entry of the table in hand.
  ///
  /// - Returns: Whether it was set in none.
  private func clearCopiedFlags() -> Bool {
    var wasClean = true
    for offset in stride(from: 0, to: inHand.bytes.count, by: 8) {
      let entry = UnsafeRawBufferPointer(inHand.bytes).loadBigEndian(UInt64.self, at: offset)
      guard entry & TableEntry.copied != 0 else { continue }
      inHand.bytes.storeBigEndian(entry & ~TableEntry.copied, at: offset)
      wasClean = false
    }
    return wasClean
  }

  /// Counts one more reference to each cluster that the table in hand maps to.
  private func addReferencesOfInHand() {
    for offset in stride(from: 0, to: inHand.bytes.count, by: 8) {
      let entry = UnsafeRawBufferPointer(inHand.bytes).loadBigEndian(UInt64.self, at: offset)
      guard entry != 0, let mapping = ClusterMapping(l2Entry: entry) else { continue }
      clusters.addReferences(1, to: mapping)
    }
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
