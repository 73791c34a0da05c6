internal import DiskImage

/// What names an L2 table.
struct L2TableUse {
  /// How many entries of the L1 tables of the image and its snapshots do.
  var all: UInt64 = 0
  /// How many entries of the image's own L1 table do.
  var active: UInt64 = 0
  /// The number of the first of these entries in its L1 table.
  let index: UInt64
}

/// What identifies an L1 table.
private struct L1Table: Hashable {
  let host: HostOffset
  let entryCount: UInt32
}

extension ImageChecker {
  private static let l1Reserved: UInt64 = 0x7F00_0000_0000_01FF

  /// Goes through the L1 tables of all snapshots. One that several snapshots name is read once.
  func readL1Tables(of snapshots: [Snapshot]) throws(ImageError) {
    if metadata.dataFile != nil, !snapshots.isEmpty {
      result.findings.add(.corruption) {
        CheckFinding(
          .corruption, "an image with an external data file has snapshots", expected: "none",
          found: "\(snapshots.count)")
      }
    }
    var tables: [L1Table: UInt64] = [:]
    var order: [L1Table] = []
    var tableBytes: UInt64 = 0
    for (index, snapshot) in snapshots.enumerated() {
      guard check(snapshot, index) else { continue }
      let table = L1Table(host: snapshot.l1Offset, entryCount: snapshot.l1EntryCount)
      if tables[table] == nil {
        order.append(table)
        tableBytes += bytesInFile(UInt64(table.entryCount) * 8, table.host)
      }
      tables[table, default: 0] += 1
    }
    guard mayBeApart(tableBytes) else {
      throw file.malformed(
        "the L1 tables of its snapshots overlap: they have \(tableBytes) bytes in all")
    }
    for table in order {
      try readL1(
        at: table.host, entryCount: UInt64(table.entryCount), of: tables[table] ?? 1)
    }
  }

  /// How much of a range is inside the file.
  func bytesInFile(_ byteCount: UInt64, _ host: HostOffset) -> UInt64 {
    min(byteCount, file.size - min(file.size, host.bytes))
  }

  /// Whether tables that have so many bytes in the file may be apart, so that reading them all is
  /// no more work than reading the file. Small images get some room for damage.
  func mayBeApart(_ byteCount: UInt64) -> Bool {
    byteCount / 2 <= file.size + (32 << 20)
  }

  /// Checks what a snapshot says of its L1 table; false if that cannot be read.
  private func check(_ snapshot: Snapshot, _ index: Int) -> Bool {
    func corruption(_ what: String, expected: String, found: String) {
      result.findings.add(.corruption) {
        CheckFinding(
          .corruption, "snapshot \(index) \(snapshot.name.quoted): \(what)",
          host: snapshot.l1Offset, expected: expected, found: found)
      }
    }
    if snapshot.virtualSize == nil, metadata.version >= 3 {
      corruption(
        "its table entry is incomplete", expected: "16 bytes of extra data", found: "fewer")
    }
    if !geometry.isClusterAligned(snapshot.l1Offset) {
      corruption(
        "its L1 table is not aligned", expected: "a multiple of \(geometry.clusterSize)",
        found: "\(snapshot.l1Offset.bytes)")
      return false
    }
    let most = ImageLimits.l1Size / ImageLimits.tableEntrySize
    if snapshot.l1EntryCount > most {
      corruption(
        "its L1 table is too large", expected: "at most \(most) entries",
        found: "\(snapshot.l1EntryCount)")
      return false
    }
    return true
  }

  /// Goes through an L1 table and notes the L2 tables that it names.
  ///
  /// - Parameters:
  ///   - host: Where it begins.
  ///   - entryCount: The number of its entries.
  ///   - snapshots: How many snapshots it belongs to; nil if it is the image's own.
  /// - Throws: `ImageError` if it cannot be read.
  func readL1(
    at host: HostOffset, entryCount: UInt64, of snapshots: UInt64?
  ) throws(ImageError) {
    let times = snapshots ?? 1
    refer(
      to: host, byteCount: entryCount * 8, .l1Table, times: times,
      snapshots == nil ? "the L1 table" : "a snapshot's L1 table")
    try tableReader.forEachWord(at: host, count: entryCount) { index, entry throws(ImageError) in
      if entry & Self.l1Reserved != 0 {
        result.findings.add(.corruption, times: times) {
          CheckFinding(
            .corruption, "L1 entry \(index) has reserved bits set",
            host: host.advanced(by: index * 8), guest: guest(ofTable: index),
            expected: "zeros", found: hexadecimal(entry & Self.l1Reserved), count: times)
        }
      }
      let table = HostOffset(entry & TableEntry.offsetMask)
      refer(
        to: table, byteCount: geometry.clusterSize, .l2Table, times: times,
        guest: guest(ofTable: index), "an L2 table")
      if !geometry.isClusterAligned(table) {
        result.findings.add(.corruption, times: times) {
          CheckFinding(
            .corruption, "an L2 table is not aligned", host: table, guest: guest(ofTable: index),
            expected: "a multiple of \(geometry.clusterSize)", found: "\(table.bytes)",
            count: times)
        }
      }
      var use = l2Tables[table] ?? L2TableUse(index: index)
      use.all += times
      if snapshots == nil { use.active += 1 }
      l2Tables[table] = use
      try checkMemory()
      guard l2Tables.count <= mostL2Tables else {
        throw file.malformed(
          """
          it names more than \(mostL2Tables) L2 tables, the most for a file of this size on the \
          disk
          """)
      }
    }
  }

  /// Where on the disk an L2 table begins.
  func guest(ofTable index: UInt64) -> GuestOffset {
    GuestOffset(index << UInt64(geometry.clusterBits + geometry.entryBits))
  }
}

/// A number as tables show it.
func hexadecimal(_ number: UInt64) -> String { "0x" + String(number, radix: 16) }
