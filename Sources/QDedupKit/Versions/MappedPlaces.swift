internal import DiskIO
internal import DiskImage
internal import QCOW2

/// The places in a file that its disks map, each once, in the order of the file: a piece of the file
/// at a time, so that memory does not grow with it.
///
/// A piece begins at a given byte of the file and has the next places from there on, a quarter of a
/// million of them. They are gathered from all tables, in any order; when there are too many, those
/// furthest back are dropped again, and are for a later piece.
///
/// Memory: 12 MiB at most while they are sorted, and 16 bytes for each L2 table. Time: one walk
/// through all tables a piece.
struct MappedPlaces {
  /// A place, and where on the first disk that maps it that is.
  struct Place {
    let mapping: ClusterMapping
    /// The number of the disk, which is below 2^17, and of the cluster on it, which is below 2^40: an
    /// L1 table has at most 2^22 entries, and an L2 table 2^18. So they sort by disk, then by cluster.
    fileprivate let diskAndCluster: UInt64

    fileprivate init(_ mapping: ClusterMapping, disk: Int, cluster: UInt64) {
      self.mapping = mapping
      diskAndCluster = UInt64(disk) << 40 | cluster
    }

    /// The number of the cluster on the disk.
    var guestCluster: UInt64 { diskAndCluster & (1 << 40 - 1) }
  }

  private let geometry: ClusterGeometry
  private let limit: Int
  private var start = HostOffset(0)
  /// Places from here on are not of this piece; nil as long as all are.
  private var end: HostOffset?
  private var places: [Place] = []

  /// How many places a piece has at most, unless very many are in one cluster.
  static let usualLimit = 1 << 18

  /// The first piece, of which nothing is known yet.
  ///
  /// - Parameters:
  ///   - geometry: The size of clusters.
  ///   - limit: How many places a piece has.
  init(_ geometry: ClusterGeometry, limit: Int = usualLimit) {
    self.geometry = geometry
    self.limit = limit
  }

  /// Looks through all tables of the disks for places of this piece.
  ///
  /// - Throws: `IOError` if a table cannot be read.
  mutating func gather(from disks: [DiskTables], of file: OpenFile) throws(IOError) {
    let walk = try TableWalk(file, geometry)
    var known = Set<HostOffset>()
    for (number, disk) in disks.enumerated() {
      for (index, table) in try walk.l2Tables(of: disk).enumerated() {
        guard let table, known.insert(table).inserted else { continue }
        let first = UInt64(index) * UInt64(geometry.clusterSize / 8)
        try walk.forEachMapping(inTable: table) { slot, mapping in
          add(Place(mapping, disk: number, cluster: first + UInt64(slot)))
        }
      }
    }
    keepFirst(limit)
  }

  /// The places, in the order of the file.
  var sorted: [Place] { places }

  /// Goes on to the piece after this one, of which nothing is known yet.
  ///
  /// - Returns: False if this is the last.
  mutating func advance() -> Bool {
    guard let end else { return false }
    (start, self.end) = (end, nil)
    places.removeAll(keepingCapacity: true)
    return true
  }

  private mutating func add(_ place: Place) {
    let host = place.mapping.host(geometry)
    guard host >= start else { return }
    if let end, host >= end { return }
    places.append(place)
    if places.count >= 2 * limit { keepFirst(limit) }
  }

  /// Sorts the places, leaves out what is there twice, and drops what is after the first `count`.
  private mutating func keepFirst(_ count: Int) {
    let geometry = geometry
    places.sort {
      let (a, b) = ($0.mapping.host(geometry), $1.mapping.host(geometry))
      if a != b { return a < b }
      if $0.mapping != $1.mapping { return $0.mapping.entry < $1.mapping.entry }
      return $0.diskAndCluster < $1.diskAndCluster
    }
    var kept = 0
    for place in places {
      if kept > 0, places[kept - 1].mapping == place.mapping { continue }
      if kept >= count {
        // All places that begin at one byte are of one piece.
        let host = place.mapping.host(geometry)
        if places[kept - 1].mapping.host(geometry) != host {
          end = host
          break
        }
      }
      places[kept] = place
      kept += 1
    }
    places.removeSubrange(kept...)
  }
}
