internal import DiskIO
internal import DiskImage

extension ImageChecker {
  private static let l2Reserved: UInt64 = 0x3F00_0000_0000_01FE
  private static let allocatedBits: UInt64 = 0xFFFF_FFFF

  /// Goes through all L2 tables, in the order of the file, and counts what they name.
  func readL2Tables() throws(ImageError) {
    for table in l2Tables.keys.sorted() {
      guard let use = l2Tables[table] else { continue }
      // Where a run of clusters that are side by side would go on.
      var next: HostOffset?
      try forEachEntry(of: table) { index, entry, bitmap in
        let place = L2Place(
          entry: entry, bitmap: bitmap, table: table, index: index, use: use,
          guest: guest(ofTable: use.index, entry: index))
        check(place, next: &next)
      }
      try checkMemory()
    }
  }

  /// Visits the entries of an L2 table that are not zero.
  ///
  /// - Parameters:
  ///   - table: Where it begins.
  ///   - body: Gets the number of an entry, the entry, and its subclusters' bits.
  /// - Throws: `ImageError` if the table cannot be read.
  func forEachEntry(
    of table: HostOffset, _ body: (UInt64, UInt64, UInt64) -> Void
  ) throws(ImageError) {
    let entryBytes = geometry.wordsPerEntry * 8
    try clusterReader.forEachPiece(at: table, byteCount: geometry.clusterSize) { start, bytes in
      for offset in stride(from: 0, to: bytes.count, by: entryBytes) {
        let entry = bytes.loadBigEndian(UInt64.self, at: offset)
        let bitmap =
          geometry.hasSubclusters ? bytes.loadBigEndian(UInt64.self, at: offset + 8) : 0
        guard entry != 0 || bitmap != 0 else { continue }
        body((start + UInt64(offset)) / UInt64(entryBytes), entry, bitmap)
      }
    }
  }

  /// Checks an L2 entry and counts what it names.
  private func check(_ place: L2Place, next: inout HostOffset?) {
    let entry = place.entry
    if entry & TableEntry.compressed != 0 { return checkCompressed(place) }
    if entry & Self.l2Reserved != 0 {
      corruption(
        place, "an L2 entry has reserved bits set", "zeros",
        hexadecimal(entry & Self.l2Reserved))
    }
    let host = HostOffset(entry & TableEntry.offsetMask)
    guard isAllocated(entry) else {
      let readsAsZeros = !geometry.hasSubclusters && entry & TableEntry.readsAsZeros != 0
      if !readsAsZeros, place.bitmap & Self.allocatedBits != 0 {
        corruption(
          place, "an unallocated cluster has allocated subclusters", "none",
          hexadecimal(place.bitmap & Self.allocatedBits))
      }
      return
    }
    if place.bitmap >> 32 & place.bitmap != 0 {
      corruption(
        place, "subclusters are both allocated and zeros", "one or the other",
        hexadecimal(place.bitmap))
    }
    if !geometry.isClusterAligned(host) {
      corruption(
        place, "a cluster is not aligned", "a multiple of \(geometry.clusterSize)",
        "\(host.bytes)")
    }
    result.allocatedClusters += place.use.active
    if let next, next != host { result.fragmentedClusters += place.use.active }
    next = host.advanced(by: geometry.clusterSize)
    if metadata.dataFile == nil {
      refer(
        to: host, byteCount: geometry.clusterSize, .data, times: place.use.all,
        guest: place.guest, "a cluster of data")
    }
  }

  private func checkCompressed(_ place: L2Place) {
    if place.entry & TableEntry.copied != 0 {
      corruption(place, "a compressed cluster has the COPIED flag", "0", "1")
    }
    if metadata.dataFile != nil {
      return corruption(
        place, "a compressed cluster in an image with an external data file", "none", "one")
    }
    if place.bitmap != 0 {
      return corruption(
        place, "a compressed cluster has bits for subclusters", "zeros", hexadecimal(place.bitmap)
      )
    }
    guard let mapping = ClusterMapping(l2Entry: place.entry),
      let clusters = ClusterGeometry(clusterSize: Int(geometry.clusterSize))
    else { return }
    refer(
      to: mapping.host(clusters), byteCount: UInt64(mapping.byteCount(clusters)), .data,
      times: place.use.all, guest: place.guest, "a compressed cluster")
    result.allocatedClusters += place.use.active
    result.compressedClusters += place.use.active
    result.fragmentedClusters += place.use.active
  }

  /// Whether an entry that is not compressed names a place. In a data file the first cluster
  /// is at byte 0, and COPIED says that it is there.
  func isAllocated(_ entry: UInt64) -> Bool {
    if entry & TableEntry.offsetMask != 0 { return true }
    let readsAsZeros = !geometry.hasSubclusters && entry & TableEntry.readsAsZeros != 0
    return !readsAsZeros && metadata.dataFile != nil && entry & TableEntry.copied != 0
  }

  private func corruption(_ place: L2Place, _ what: String, _ expected: String, _ found: String) {
    result.findings.add(.corruption, times: place.use.all) {
      CheckFinding(
        .corruption, what,
        host: place.table.advanced(by: place.index * UInt64(geometry.wordsPerEntry) * 8),
        guest: place.guest, expected: expected, found: found, count: place.use.all)
    }
  }

  /// Where on the disk the cluster of an L2 entry begins.
  func guest(ofTable table: UInt64, entry: UInt64) -> GuestOffset {
    GuestOffset(guest(ofTable: table).bytes + entry << UInt64(geometry.clusterBits))
  }
}

/// An L2 entry, and where it is.
private struct L2Place {
  let entry: UInt64
  let bitmap: UInt64
  let table: HostOffset
  let index: UInt64
  let use: L2TableUse
  let guest: GuestOffset
}
