package import DiskIO
package import DiskImage

/// Reads tables of an image that a check has found sound, one L2 table at a time: entries are taken
/// as they are. One thread uses it.
package final class TableWalk {
  private let file: OpenFile
  private let buffer: AlignedBuffer

  /// - Parameters:
  ///   - file: The image. Tables may have been written to it a moment ago.
  ///   - geometry: The size of its clusters.
  /// - Throws: `IOError` if there is not enough memory.
  package init(_ file: OpenFile, _ geometry: ClusterGeometry) throws(IOError) {
    self.file = file
    buffer = try AlignedBuffer(byteCount: geometry.clusterSize, purpose: "an L2 table")
  }

  /// The entries of a disk's L1 table as they are, flags included.
  ///
  /// - Throws: `IOError` if it cannot be read.
  package func l1Entries(of disk: DiskTables) throws(IOError) -> [UInt64] {
    let bytes = try AlignedBuffer(byteCount: Int(disk.l1EntryCount) * 8, purpose: "an L1 table")
    // The end of a table that was just written may be a hole after the file's end.
    let count = try file.file.read(into: bytes.bytes, at: disk.l1Offset.bytes)
    UnsafeMutableRawBufferPointer(rebasing: bytes.bytes[count...])
      .initializeMemory(as: UInt8.self, repeating: 0)
    return stride(from: 0, to: bytes.bytes.count, by: 8).map {
      UnsafeRawBufferPointer(bytes.bytes).loadBigEndian(UInt64.self, at: $0)
    }
  }

  /// The L2 tables of a disk, one for each entry of its L1 table; nil where there is none.
  ///
  /// - Throws: `IOError` if the L1 table cannot be read.
  package func l2Tables(of disk: DiskTables) throws(IOError) -> [HostOffset?] {
    try l1Entries(of: disk).map { TableEntry.hostOffset($0) }
  }

  /// Reads an L2 table.
  ///
  /// - Parameters:
  ///   - table: Where it begins.
  ///   - body: Gets its bytes, big-endian, which last as long as the call.
  /// - Returns: What `body` returns.
  /// - Throws: `IOError` if it cannot be read.
  package func withTable<Result>(
    at table: HostOffset, _ body: (UnsafeMutableRawBufferPointer) -> Result
  ) throws(IOError) -> Result {
    try file.file.readExactly(into: buffer.bytes, at: table.bytes)
    return body(buffer.bytes)
  }

  /// Visits the clusters of an L2 table that have a place in the file.
  ///
  /// - Parameters:
  ///   - table: Where it begins.
  ///   - body: Gets the number of an entry, and the place.
  /// - Throws: `IOError` if it cannot be read.
  package func forEachMapping(
    inTable table: HostOffset, _ body: (Int, ClusterMapping) -> Void
  ) throws(IOError) {
    try withTable(at: table) { bytes in
      for index in 0..<bytes.count / 8 {
        let entry = UnsafeRawBufferPointer(bytes).loadBigEndian(UInt64.self, at: index * 8)
        if entry != 0, let mapping = ClusterMapping(l2Entry: entry) { body(index, mapping) }
      }
    }
  }

  /// Visits the clusters of a whole disk that have a place in the file, in guest order.
  ///
  /// - Parameters:
  ///   - disk: The disk.
  ///   - table: Gets each L2 table, before its places.
  ///   - mapping: Gets each place.
  /// - Throws: `IOError` if a table cannot be read.
  package func forEachCluster(
    of disk: DiskTables, table: (HostOffset) -> Void, mapping: (ClusterMapping) -> Void
  ) throws(IOError) {
    for case .some(let host) in try l2Tables(of: disk) {
      table(host)
      try forEachMapping(inTable: host) { mapping($1) }
    }
  }
}
