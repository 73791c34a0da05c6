package import DiskIO
package import DiskImage

/// Compares the tables of two disks of an image. Equal places are equal content; different places may
/// hold the same content, and count as different.
package struct TableDifference {
  private let first: TableWalk
  private let second: TableWalk
  private let geometry: ClusterGeometry

  /// A comparison within one image.
  ///
  /// - Throws: `IOError` if there is not enough memory.
  package init(_ file: OpenFile, _ geometry: ClusterGeometry) throws(IOError) {
    first = try TableWalk(file, geometry)
    second = try TableWalk(file, geometry)
    self.geometry = geometry
  }

  /// The ranges of the disk that may differ, in order; up to the end of the larger disk. What only
  /// the larger one has differs, whatever it holds.
  ///
  /// - Throws: `IOError` if tables cannot be read. O(tables that differ).
  package func ranges(_ left: DiskTables, _ right: DiskTables) throws(IOError) -> [GuestRange] {
    var collector = Collector()
    let (lefts, rights) = (try first.l2Tables(of: left), try second.l2Tables(of: right))
    let common = min(left.virtualSize, right.virtualSize)
    let tableBytes = UInt64(geometry.clusterSize) / 8 << UInt64(geometry.clusterBits)
    for index in 0..<max(lefts.count, rights.count) {
      let start = UInt64(index) * tableBytes
      guard start < common else { break }
      let tables = (
        index < lefts.count ? lefts[index] : nil, index < rights.count ? rights[index] : nil
      )
      if tables.0 == tables.1 { continue }
      let (a, b) = (try words(tables.0, first), try words(tables.1, second))
      for slot in 0..<geometry.clusterSize / 8 where a?[slot] ?? 0 != b?[slot] ?? 0 {
        let place = start + UInt64(slot) << UInt64(geometry.clusterBits)
        collector.add(place, min(common, place + UInt64(geometry.clusterSize)))
      }
    }
    collector.add(common, max(left.virtualSize, right.virtualSize))
    return collector.ranges
  }

  /// The entries of a table without flags; nil if there is none.
  private func words(_ table: HostOffset?, _ walk: TableWalk) throws(IOError) -> [UInt64]? {
    guard let table else { return nil }
    return try walk.withTable(at: table) { bytes in
      (0..<bytes.count / 8).map {
        UnsafeRawBufferPointer(bytes).loadBigEndian(UInt64.self, at: $0 * 8) & ~TableEntry.copied
      }
    }
  }

  /// Joins ranges that touch.
  private struct Collector {
    private(set) var ranges: [GuestRange] = []

    mutating func add(_ start: UInt64, _ end: UInt64) {
      guard start < end else { return }
      if let last = ranges.last, last.end.bytes == start {
        ranges[ranges.count - 1] = GuestRange(last.start, upTo: GuestOffset(end))
      } else {
        ranges.append(GuestRange(GuestOffset(start), upTo: GuestOffset(end)))
      }
    }
  }
}
