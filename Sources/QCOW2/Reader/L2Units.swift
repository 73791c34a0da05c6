internal import DiskImage

/// A run of guest bytes that are stored in one way in one place.
package struct MappedRun: Equatable, Sendable {
  /// Where guest bytes are.
  package enum Place: Equatable, Sendable {
    /// Nowhere in this image: in its backing file, or zeros.
    case unallocated
    /// Nowhere: they are zeros.
    case zero
    /// As they are, from this byte of the file on.
    case standard(HostOffset)
    /// In a compressed cluster, from this byte of the cluster on.
    case compressed(ClusterMapping, from: Int)
  }

  /// Where the first byte is.
  package var place: Place
  /// How many bytes the run has.
  package var byteCount: UInt64

  package init(_ place: Place, _ byteCount: UInt64) {
    self.place = place
    self.byteCount = byteCount
  }

  /// Whether the bytes may be other than zeros.
  package var isData: Bool {
    switch place {
    case .unallocated, .zero: false
    case .standard, .compressed: true
    }
  }
}

/// A piece of an L2 table as a row of units: clusters, or with extended entries, subclusters.
///
/// An extended entry's second word has a bit for each subcluster in its lower half, set if it is
/// allocated, and one in its upper half, set if it reads as zeros.
struct L2Units {
  private let words: [UInt64]
  private let geometry: TableGeometry
  private let version: UInt32
  private let hasDataFile: Bool

  init(_ words: [UInt64], _ geometry: TableGeometry, version: UInt32, hasDataFile: Bool) {
    self.words = words
    self.geometry = geometry
    self.version = version
    self.hasDataFile = hasDataFile
  }

  /// The run that begins in a unit and goes on through those after it.
  ///
  /// - Parameters:
  ///   - entry: The number of the L2 entry in the piece.
  ///   - offset: The guest offset of the run's first byte, which that entry maps.
  ///   - limit: The most bytes that matter.
  /// - Returns: A run of at most `limit` bytes, which ends with the piece at the latest.
  /// - Throws: `FormatError` if an entry says what cannot be.
  func run(
    from entry: Int, at offset: GuestOffset, _ limit: UInt64
  ) throws(FormatError) -> MappedRun {
    let inCluster = offset.bytes & (geometry.clusterSize - 1)
    let first = entry << geometry.subclusterBits + Int(inCluster >> UInt64(geometry.unitBits))
    let unitSize = UInt64(1) << UInt64(geometry.unitBits)
    let inUnit = inCluster & (unitSize - 1)
    var run = MappedRun(try place(of: first), unitSize - inUnit)
    switch run.place {
    case .compressed(let mapping, _):
      run = MappedRun(
        .compressed(mapping, from: Int(inCluster)), geometry.clusterSize - inCluster)
    case .standard(let host):
      run.place = .standard(host.advanced(by: inUnit))
    case .zero, .unallocated:
      break
    }
    var next = first + 1
    let end = (words.count / geometry.wordsPerEntry) << geometry.subclusterBits
    while run.byteCount < limit, next < end, try place(of: next) == run.placeAfter {
      run.byteCount += unitSize
      next += 1
    }
    run.byteCount = min(run.byteCount, limit)
    return run
  }

  /// Where a unit is; for a compressed one, where its cluster is.
  private func place(of unit: Int) throws(FormatError) -> MappedRun.Place {
    let entry = words[(unit >> geometry.subclusterBits) * geometry.wordsPerEntry]
    if entry & TableEntry.compressed != 0 {
      guard !hasDataFile, let mapping = ClusterMapping(l2Entry: entry) else {
        throw FormatError("a compressed cluster in an image with an external data file")
      }
      return .compressed(mapping, from: 0)
    }
    let host = HostOffset(entry & TableEntry.offsetMask)
    try FormatError.require(
      geometry.isClusterAligned(host),
      "a cluster at byte \(host.bytes), must be a multiple of the cluster size")
    // In a data file the first cluster is at byte 0, and COPIED says that it is there.
    let isAllocated = host.bytes != 0 || hasDataFile && entry & TableEntry.copied != 0
    if geometry.hasSubclusters { return try subcluster(unit, at: host, isAllocated) }
    if entry & TableEntry.readsAsZeros != 0 {
      try FormatError.require(version >= 3, "a zero cluster, which version 2 does not have")
      return .zero
    }
    return isAllocated ? .standard(host) : .unallocated
  }

  private func subcluster(
    _ unit: Int, at host: HostOffset, _ isAllocated: Bool
  ) throws(FormatError) -> MappedRun.Place {
    let bitmap = words[(unit >> geometry.subclusterBits) * geometry.wordsPerEntry + 1]
    let (allocated, zero) = (bitmap & 0xFFFF_FFFF, bitmap >> 32)
    try FormatError.require(
      allocated & zero == 0, "subclusters that are both allocated and zeros")
    try FormatError.require(
      isAllocated || allocated == 0, "allocated subclusters of a cluster that is not")
    let index = UInt64(unit & (1 << geometry.subclusterBits - 1))
    if zero >> index & 1 == 1 { return .zero }
    guard allocated >> index & 1 == 1 else { return .unallocated }
    return .standard(host.advanced(by: index << UInt64(geometry.unitBits)))
  }
}

extension MappedRun {
  /// Where the byte after the run is if the run goes on; nil if it cannot.
  fileprivate var placeAfter: Place? {
    switch place {
    case .unallocated, .zero: place
    case .standard(let host): .standard(host.advanced(by: byteCount))
    case .compressed: nil
    }
  }
}
