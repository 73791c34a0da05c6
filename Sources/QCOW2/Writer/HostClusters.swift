internal import DiskImage

/// The clusters of the file that is being written: which one is handed out next, and how often each
/// is referenced.
///
/// It alone assigns places and counts references; what a cluster is used for it does not know.
///
///     header │ handed out: data, tables, incarnations, … │ handed out next …
///            0 references: nothing that QEMU knows        ▲ end
///
/// Compressed data is packed: it begins where the data before it ended (`compressedTail`), even
/// inside a cluster, and a cluster counts one reference for each piece of data that touches it.
///
/// Data that is stored as it is never lies where the guest sees it, within the first 4 MiB: programs
/// that look for the signature of a file system at its usual offset would take the file for what is
/// inside it. A cluster that is left out for that reason goes to the next table.
///
/// Room is handed out with 0 references; who uses it counts them. A cluster that keeps 0 is free for
/// QEMU: that is how the hash store is kept. References are counted as soon as they are known and
/// may be taken back, so the highest count, and with it the width of refcounts, is known at the end.
///
/// A new file begins with the header cluster alone. A file that is continued begins with the counts
/// of what remains of it, and with the clusters that nothing used (`FreeClusters`): those are handed
/// out first, first fit, and then the file grows.
///
/// One thread at a time uses it. Memory: a byte for each cluster of the file, more only where counts
/// are above 255 (`ReferenceCounts`). All operations take O(clusters touched).
final class HostClusters {
  private let geometry: ClusterGeometry
  private let limits: ImageLimits
  private var counts: ReferenceCounts
  /// The first cluster after the file's last one.
  private var endCluster: HostCluster
  /// Where the next compressed data may go, up to the end of its cluster; 0 before the first.
  private var compressedTail = HostOffset(0)
  /// Clusters that were left out, in rising order.
  private var leftOut: [HostCluster] = []
  /// What is free inside a file that is continued; nil for a new one.
  private var free: FreeClusters?
  /// The rest of a run of free clusters that compressed data is going on in.
  private var compressedRun = HostCluster(0)..<HostCluster(0)
  /// The clusters with data of guests, of a file that is continued: others must not be shared.
  private var dataClusters = ClusterSet()

  /// The clusters of a file.
  ///
  /// - Parameters:
  ///   - geometry: Their size.
  ///   - counts: How often each is referenced by what the file holds already.
  ///   - end: The first cluster after the last one in use.
  ///   - free: What is free before that.
  ///   - data: What holds data of guests.
  init(
    _ geometry: ClusterGeometry, counts: consuming ReferenceCounts, end: HostCluster,
    free: FreeClusters? = nil, data: ClusterSet = ClusterSet()
  ) {
    self.geometry = geometry
    self.counts = counts
    self.free = free
    dataClusters = data
    endCluster = end
    limits = ImageLimits(geometry)
  }

  /// The clusters of a new file, which has nothing but a header cluster.
  convenience init(newFile geometry: ClusterGeometry) {
    var counts = ReferenceCounts()
    counts[HostCluster(0)] = 1
    self.init(geometry, counts: counts, end: HostCluster(1))
  }

  /// Whether what is handed out may hold old bytes; else it reads as zeros.
  var reusesRoom: Bool { free != nil }

  // MARK: Room

  /// Where the file ends so far.
  var end: HostOffset { endCluster.offset(bits: geometry.clusterBits) }

  /// Hands out clusters that nothing uses, as one run.
  ///
  /// - Parameter count: How many.
  /// - Returns: The clusters, with a refcount of 0.
  /// - Throws: `ImageWriterError.fileTooLarge`; nothing is handed out then.
  func allocate(_ count: UInt64) throws(ImageWriterError) -> Range<HostCluster> {
    if let first = free?.take(count) { return first..<HostCluster(first.index + count) }
    return try allocateAtEnd(count)
  }

  /// Hands out clusters at the file's end.
  private func allocateAtEnd(_ count: UInt64) throws(ImageWriterError) -> Range<HostCluster> {
    let limit = limits.hostClusters(.bits16)
    guard count <= limit - endCluster.index else {
      throw fileTooLarge(
        clusters: endCluster.index.addingReportingOverflow(count).partialValue, .bits16)
    }
    let first = endCluster
    endCluster = HostCluster(first.index + count)
    return first..<endCluster
  }

  /// Hands out clusters for a table, as one run that is referenced once.
  func allocateTable(_ count: UInt64) throws(ImageWriterError) -> Range<HostCluster> {
    let clusters: Range<HostCluster>
    if count == 1, !leftOut.isEmpty {
      let cluster = leftOut.removeFirst()
      clusters = cluster..<HostCluster(cluster.index + 1)
    } else {
      clusters = try allocate(count)
    }
    for cluster in clusters { counts[cluster] = 1 }
    return clusters
  }

  /// Hands out a cluster for data of a guest that is stored as it is.
  ///
  /// - Parameter guest: Where the guest sees it: not where it will be in the file.
  /// - Returns: Where the cluster begins, with a refcount of 0.
  /// - Throws: `ImageWriterError.fileTooLarge`.
  func allocateData(for guest: GuestOffset) throws(ImageWriterError) -> HostOffset {
    while true {
      let cluster = try allocate(1).lowerBound
      let host = cluster.offset(bits: geometry.clusterBits)
      guard isOwnPlace(host, of: guest) else {
        noteData(ClusterMapping(standard: host))
        return host
      }
      leftOut.append(cluster)
    }
  }

  /// Whether data at `host` would be where `guest` has it on the disk, in the part of the file in
  /// which programs look for signatures.
  func isOwnPlace(_ host: HostOffset, of guest: GuestOffset) -> Bool {
    host.bytes == guest.bytes && host.bytes < ImageWriter.signatureArea
  }

  /// Hands out room for the compressed data of a cluster: directly after the data before it, in
  /// what is left of that cluster, and on into the next one if that is free.
  ///
  /// Data that is larger than a cluster begins inside one, so far from its end that it ends in the
  /// next: libqcow reads to the end of the next whole cluster, and no further.
  ///
  /// - Parameters:
  ///   - byteCount: The compressed size in bytes, at least 1.
  ///   - references: How many references to it will be added.
  ///   - limit: The highest refcount that a host cluster may have; at least `references`.
  /// - Returns: The place. Its references are not counted yet.
  /// - Throws: `ImageWriterError.fileTooLarge`.
  func allocate(
    compressedBytes byteCount: Int, references: UInt32, limit: UInt32
  ) throws(ImageWriterError) -> ClusterMapping {
    var start = compressedTail
    if !ClusterMapping.canDescribe(start, byteCount: byteCount, geometry) {
      start = HostOffset((start.bytes + 511) & ~511)
    }
    let room = roomLeft(after: start, references: references, limit: limit)
    if room < byteCount || !endsInNextCluster(start, byteCount) {
      let next = start.advanced(by: UInt64(room))
      let missing = geometry.clusterCount(forBytes: UInt64(byteCount - room))
      if room > 0, !endsInNextCluster(start, byteCount) {
        start = try freshStart(byteCount)
      } else if room > 0, next == end {
        _ = try allocateAtEnd(missing)
      } else if room > 0, missing == 1, takeIfFree(next) {
        // The data goes on in the cluster after.
      } else {
        start = try freshStart(byteCount)
      }
    }
    guard start < ClusterMapping.compressedEnd(geometry) else {
      throw fileTooLarge(clusters: endCluster.index, .bits16)
    }
    compressedTail = start.advanced(by: UInt64(byteCount))
    let mapping = ClusterMapping(compressedAt: start, byteCount: byteCount, geometry)
    noteData(mapping)
    return mapping
  }

  /// Whether data that begins at `start` ends where every reader looks for its end.
  private func endsInNextCluster(_ start: HostOffset, _ byteCount: Int) -> Bool {
    guard byteCount > geometry.clusterSize else { return true }
    let inCluster = Int(start.bytes & UInt64(geometry.clusterSize - 1))
    return inCluster > 0 && inCluster <= 2 * geometry.clusterSize - byteCount
  }

  /// Room in clusters of which nothing is in use: from the first byte on, or from the second if the
  /// data is larger than a cluster.
  private func freshStart(_ byteCount: Int) throws(ImageWriterError) -> HostOffset {
    let lead = byteCount > geometry.clusterSize ? 1 : 0
    return try allocateForCompressed(geometry.clusterCount(forBytes: UInt64(byteCount + lead)))
      .offset(bits: geometry.clusterBits).advanced(by: UInt64(lead))
  }

  /// Hands out clusters in which compressed data goes on, with free ones after them if possible: what
  /// is packed wastes the end of the last cluster before one that is in use. So it gets the longest
  /// free runs, a piece at a time, and the file's end rather than short ones. What is left of a piece
  /// stays free.
  private func allocateForCompressed(_ needed: UInt64) throws(ImageWriterError) -> HostCluster {
    if compressedRun.count < needed {
      let shortest = max(Self.shortestCompressedRun, needed)
      guard let run = free?.takeLongRun(atLeast: shortest, atMost: Self.longestCompressedRun) else {
        return try allocateAtEnd(needed).lowerBound
      }
      compressedRun = run
    }
    let first = compressedRun.lowerBound
    compressedRun = first.advanced(by: Int(needed))..<compressedRun.upperBound
    return first
  }

  /// How long a run of free clusters is that is good for compressed data.
  private static let shortestCompressedRun: UInt64 = 3
  /// How many clusters of a run are taken at a time.
  private static let longestCompressedRun: UInt64 = 64

  /// Hands out the cluster at `host` of a file that is continued, if it is free.
  private func takeIfFree(_ host: HostOffset) -> Bool {
    let cluster = host.cluster(bits: geometry.clusterBits)
    if let first = compressedRun.first, first == cluster {
      compressedRun = first.advanced(by: 1)..<compressedRun.upperBound
      return true
    }
    return free?.take(ifFree: cluster) ?? false
  }

  /// How many bytes are free from `start` to the end of its cluster; 0 if nothing is in that cluster
  /// yet, or if it cannot take so many more references.
  private func roomLeft(after start: HostOffset, references: UInt32, limit: UInt32) -> Int {
    let used = start.bytes & UInt64(geometry.clusterSize - 1)
    guard used > 0 else { return 0 }
    let count = counts[start.cluster(bits: geometry.clusterBits)]
    guard count <= limit, references <= limit - count else { return 0 }
    return geometry.clusterSize - Int(used)
  }

  // MARK: References

  /// The refcount of the cluster that holds the data of `mapping`: the highest, if compressed data
  /// touches more than one.
  func references(to mapping: ClusterMapping) -> UInt32 {
    mapping.hostClusters(geometry).reduce(0) { max($0, counts[$1]) }
  }

  /// Counts further references to the data of `mapping`; its refcount must stay within
  /// `RefcountWidth.highest`.
  func addReferences(_ count: UInt32, to mapping: ClusterMapping) {
    for cluster in mapping.hostClusters(geometry) { counts[cluster] += count }
  }

  /// Takes one reference to the data of `mapping` back.
  func removeReference(to mapping: ClusterMapping) {
    for cluster in mapping.hostClusters(geometry) { counts[cluster] -= 1 }
  }

  /// Whether the cluster at `host` has a refcount of 1, as COPIED says.
  func isReferencedOnce(_ host: HostOffset) -> Bool {
    counts[host.cluster(bits: geometry.clusterBits)] == 1
  }

  /// The number of references to one cluster.
  func references(to cluster: HostCluster) -> UInt32 { counts[cluster] }

  /// Counts one more reference to the cluster at `host`, which holds a table.
  func addReference(toTable host: HostOffset) {
    counts[host.cluster(bits: geometry.clusterBits)] += 1
  }

  /// Takes one reference to a cluster back.
  func removeReference(to cluster: HostCluster) { counts[cluster] -= 1 }

  /// Notes that clusters hold data of a guest, in a file that is continued.
  func noteData(_ mapping: ClusterMapping) {
    guard free != nil else { return }
    for cluster in mapping.hostClusters(geometry) { dataClusters.insert(cluster) }
  }

  /// Whether all clusters of `mapping`, which nobody has checked, hold data of a guest and are
  /// referenced; in a file that is continued.
  func holdsData(_ mapping: ClusterMapping) -> Bool {
    let host = mapping.host(geometry).bytes
    guard mapping.isCompressed || host & UInt64(geometry.clusterSize - 1) == 0 else { return false }
    return mapping.hostClusters(geometry).allSatisfy {
      dataClusters.contains($0) && counts[$0] > 0
    }
  }

  /// Whether a file that is continued used the cluster of `mapping` when the change began.
  func wasUsed(_ mapping: ClusterMapping) -> Bool {
    free?.wasUsed(mapping.host(geometry).cluster(bits: geometry.clusterBits)) ?? false
  }

  /// Whether the change has taken a cluster that was inside the file and free before.
  func isTakenByChange(_ cluster: HostCluster) -> Bool { free?.isTakenByChange(cluster) ?? false }

  // MARK: Refcounts as the image stores them

  /// The highest refcount so far. O(clusters of the file).
  var highestCount: UInt32 { counts.highest }

  /// Fills `bytes` with the refcounts of `first` and the clusters after it.
  func encodeCounts(
    from first: HostCluster, _ width: RefcountWidth, into bytes: UnsafeMutableRawBufferPointer
  ) {
    counts.encode(into: bytes, from: first, width)
  }

  /// Makes sure that refcounts of this width can count a file that ends at `end`.
  ///
  /// - Throws: `ImageWriterError.fileTooLarge`.
  func checkCountable(upTo end: HostCluster, _ width: RefcountWidth) throws(ImageWriterError) {
    guard end.index <= limits.hostClusters(width) else {
      throw fileTooLarge(clusters: end.index, width)
    }
  }

  private func fileTooLarge(clusters: UInt64, _ width: RefcountWidth) -> ImageWriterError {
    .fileTooLarge(
      clusters: clusters, clusterSize: geometry.clusterSize, refcountBits: width.rawValue,
      limit: limits.hostClusters(width))
  }
}
