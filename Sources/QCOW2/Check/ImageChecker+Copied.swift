internal import DiskImage

extension ImageChecker {
  /// Compares the COPIED flags of the image's own tables with the refcounts. Tables of snapshots
  /// have flags from the time when they were taken.
  func checkCopiedFlags() throws(ImageError) {
    let header = metadata.header
    try tableReader.forEachWord(
      at: header.l1Offset, count: UInt64(header.l1EntryCount)
    ) { index, entry throws(ImageError) in
      guard let table = TableEntry.hostOffset(entry),
        let isOne = try hasOneReference(geometry.cluster(at: table)),
        isOne != (entry & TableEntry.copied != 0)
      else { return }
      add("an L2 table", host: table, guest: guest(ofTable: index), shouldBeSet: isOne)
    }
    for table in l2Tables.keys.sorted() where table.bytes != 0 {
      guard let use = l2Tables[table], use.active > 0 else { continue }
      try checkCopiedFlags(of: table, use)
    }
  }

  private func checkCopiedFlags(of table: HostOffset, _ use: L2TableUse) throws(ImageError) {
    var failure: ImageError?
    try forEachEntry(of: table) { index, entry, _ in
      guard failure == nil, entry & TableEntry.compressed == 0, isAllocated(entry) else { return }
      let host = HostOffset(entry & TableEntry.offsetMask)
      do throws(ImageError) {
        let isOne =
          metadata.dataFile == nil
          ? try hasOneReference(geometry.cluster(at: host)) : true
        guard let isOne, isOne != (entry & TableEntry.copied != 0) else { return }
        add(
          "a cluster of data", host: host, guest: guest(ofTable: use.index, entry: index),
          shouldBeSet: isOne, times: use.active)
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
  }

  private func add(
    _ what: String, host: HostOffset, guest: GuestOffset, shouldBeSet: Bool, times: UInt64 = 1
  ) {
    result.findings.add(.corruption, times: times, repair: .all) {
      CheckFinding(
        .corruption, "the COPIED flag of \(what) contradicts its refcount", host: host,
        guest: guest, expected: shouldBeSet ? "1" : "0", found: shouldBeSet ? "0" : "1",
        count: times)
    }
  }

  /// Looks for metadata that is where something else is too. Refcounts may be right all the
  /// same: then the next write destroys one of the two.
  func checkOverlaps() {
    let names: [(ReferenceMap.Use, String)] = [
      (.header, "the header"), (.l1Table, "an L1 table"), (.l2Table, "an L2 table"),
      (.refcounts, "refcounts"), (.snapshotTable, "the snapshot table"),
      (.other, "a bitmap or an encryption header"), (.data, "data"),
    ]
    references.forEachUsed(in: HostCluster(0)..<HostCluster(clusterCount + 1)) { cluster in
      let uses = references.uses(cluster).subtracting(.countedOnce)
      guard uses.rawValue.nonzeroBitCount > 1 else { return }
      result.findings.add(.overlap) {
        CheckFinding(
          .overlap, "a cluster is used for different things",
          host: geometry.host(of: cluster), expected: "one use",
          found: names.filter { uses.contains($0.0) }.map(\.1).joined(separator: " and "))
      }
    }
  }
}
