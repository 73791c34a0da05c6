internal import DiskIO
package import DiskImage

/// Checks an image: counts the references that all of its tables make to each host cluster, and
/// compares them with its refcounts and with the COPIED flags.
///
/// `run` makes these passes, in this order. The first group fills `references` (and `l2Tables`), the
/// second compares; all of them add to `result`.
///
/// | pass | reads | fills |
/// |---|---|---|
/// | `readL1`, `readL1Tables` | the image's L1 table, then the snapshots' | `references`, `l2Tables` |
/// | `readL2Tables` | each L2 table once, in the order of the file | `references`, counts of clusters |
/// | `refer` | nothing: header, snapshot table, refcount table | `references` |
/// | `checkEncryptionHeader`, `checkBitmaps` | their areas | `references` |
/// | `checkDataFile` | whether it is there | – |
/// | `checkRefcountBlocks` | the refcount table | `references` |
/// | `compareRefcounts` | each refcount block | `unreadableBlocks`, `.countedOnce`, `result.end` |
/// | `checkCopiedFlags` | L1 and L2 tables of the disk again | – |
/// | `checkOverlaps` | `references` | – |
///
/// What counts as what is as for `qemu-img check`, so that both count the same. Memory follows the
/// size of the file and what of it is used, not what the header says; every L2 table is read
/// twice at most, however many L1 entries name it.
///
/// One thread uses it, once. No file but the image is opened; a data file is looked for. After `run`
/// the hash store's check asks `firstUse` and `isUsedForData`.
package final class ImageChecker {
  let file: ImageFile
  let metadata: ImageMetadata
  let geometry: TableGeometry
  /// The number of clusters of the file, the last one perhaps in part.
  let clusterCount: UInt64
  /// The highest refcount that the image can say, or that is kept.
  let highestCount: UInt32
  /// How much memory the counts of references may take.
  let mostReferenceBytes: UInt64
  let tableReader: TableReader
  let clusterReader: TableReader

  /// What the check found so far.
  package var result = ImageCheck()
  var references: ReferenceMap
  /// What names each L2 table, by its place.
  var l2Tables: [HostOffset: L2TableUse] = [:]
  /// The numbers of refcount blocks that cannot be read.
  var unreadableBlocks: Set<UInt64> = []

  /// The most clusters of a file that is checked; QEMU's limit.
  static let mostClusters = UInt64(Int32.max)
  /// How much memory the counts of references may take for any file.
  static let leastReferenceBytes: UInt64 = 1 << 30
  /// The most L2 tables that are kept account of: as many as there can be in what the file takes on
  /// the disk, and some for damage.
  let mostL2Tables: Int

  /// A checker of one image.
  ///
  /// - Parameters:
  ///   - metadata: The image's header.
  ///   - file: The image.
  /// - Throws: `ImageError` if the image is not one that can be checked, or if there is not enough
  ///   memory.
  package init(_ metadata: ImageMetadata, _ file: ImageFile) throws(ImageError) {
    let geometry = TableGeometry(metadata.header)
    try metadata.checkCheckable(in: file)
    let clusterCount = file.size.dividedUp(by: geometry.clusterSize)
    guard clusterCount <= Self.mostClusters else {
      throw file.malformed(
        """
        a file of \(clusterCount) clusters of \(geometry.clusterSize) bytes; \
        at most \(Self.mostClusters) can be checked
        """)
    }
    self.file = file
    self.metadata = metadata
    self.geometry = geometry
    self.clusterCount = clusterCount
    highestCount = UInt32(
      truncatingIfNeeded: UInt64.max >> UInt64(max(32, 64 - metadata.refcountBits)))
    tableReader = try TableReader(file, byteCount: 64 << 10)
    clusterReader = try TableReader(file, byteCount: Int(geometry.clusterSize))
    // An L2 entry takes four times what the cluster does that it names.
    let allocated = try file.allocatedSize()
    mostReferenceBytes = max(Self.leastReferenceBytes, allocated / 4)
    mostL2Tables = Int(max(1 << 20, min(1 << 24, allocated / geometry.clusterSize)))
    references = ReferenceMap(clusterCount: clusterCount, mostBytes: mostReferenceBytes)
  }

  /// Checks the image.
  ///
  /// - Throws: `ImageError` if the image cannot be read, or if its snapshot table has no sense.
  package func run() throws(ImageError) {
    let header = metadata.header
    result.end = HostOffset(geometry.clusterSize)
    result.totalClusters = metadata.virtualSize.dividedUp(by: geometry.clusterSize)
    let (entries, snapshotTableBytes) = try SnapshotTable.read(
      metadata, from: file, readsPastEnd: true)
    refer(to: HostOffset(0), byteCount: geometry.clusterSize, .header, "the header")
    try readL1(at: header.l1Offset, entryCount: UInt64(header.l1EntryCount), of: nil)
    try readL1Tables(of: entries.map(Snapshot.init))
    try readL2Tables()
    refer(
      to: header.snapshotsOffset, byteCount: snapshotTableBytes, .snapshotTable,
      "the snapshot table")
    refer(
      to: header.refcountTableOffset, byteCount: refcountTableEntries * 8, .refcounts,
      "the refcount table")
    try checkEncryptionHeader()
    try checkBitmaps()
    checkDataFile()
    try checkRefcountBlocks()
    try checkMemory()
    try compareRefcounts()
    try checkCopiedFlags()
    checkOverlaps()
  }

  /// Makes sure that all references so far have been counted.
  func checkMemory() throws(ImageError) {
    guard !references.isExhausted else {
      throw file.malformed(
        """
        to count the references that it makes to places far apart takes more than \
        \(mostReferenceBytes) bytes of memory, the most for a file of this size on the disk
        """)
    }
  }

  /// Counts references to all clusters of a range.
  ///
  /// - Parameters:
  ///   - host: Where the range begins.
  ///   - byteCount: Its size; nothing is counted for 0.
  ///   - use: What it is used for.
  ///   - times: How many references it gets.
  ///   - guest: The place on the disk that it belongs to.
  ///   - what: What is there, for findings.
  func refer(
    to host: HostOffset, byteCount: UInt64, _ use: ReferenceMap.Use, times: UInt64 = 1,
    guest: GuestOffset? = nil, _ what: @autoclosure () -> String
  ) {
    guard byteCount > 0, times > 0 else { return }
    let end = host.bytes.addingReportingOverflow(byteCount)
    // The last cluster of a file may be there only in part.
    guard !end.overflow,
      end.partialValue <= file.size || end.partialValue - file.size < geometry.clusterSize
    else {
      return result.findings.add(.corruption, times: times) {
        CheckFinding(
          .corruption, "\(what()) reaches beyond the file's end", host: host, guest: guest,
          expected: "an end up to byte \(file.size)",
          found: end.overflow ? "one beyond any file's" : "an end at byte \(end.partialValue)",
          count: times)
      }
    }
    let last = HostOffset(end.partialValue - 1)
    for cluster in geometry.cluster(at: host)...geometry.cluster(at: last) {
      let excess = references.add(cluster, times: times, use, limit: highestCount)
      if excess > 0, metadata.refcountBits <= 32 {
        result.findings.add(.corruption, times: excess) {
          CheckFinding(
            .corruption, "a cluster has more references than its refcount can say",
            host: geometry.host(of: cluster), expected: "at most \(highestCount)",
            found: "\(UInt64(highestCount) + excess)", count: excess)
        }
      }
    }
  }

  /// The lowest byte range of a file area that the image's own tables use; nil if they use none.
  ///
  /// - Parameters:
  ///   - host: Where the area begins.
  ///   - byteCount: Its size.
  /// - Returns: The first cluster of it that is referenced or counted.
  package func firstUse(at host: HostOffset, byteCount: UInt64) -> HostOffset? {
    let end = host.bytes.addingReportingOverflow(byteCount)
    guard byteCount > 0, !end.overflow else { return nil }
    let last = geometry.cluster(at: HostOffset(end.partialValue - 1))
    var first: HostCluster?
    references.forEachUsed(in: geometry.cluster(at: host)..<last.advanced(by: 1)) { cluster in
      if first == nil { first = cluster }
    }
    return first.map(geometry.host)
  }
}

extension ImageChecker {
  /// Whether all clusters that a mapping touches are used for data.
  package func isUsedForData(_ mapping: ClusterMapping, _ clusters: ClusterGeometry) -> Bool {
    mapping.hostClusters(clusters).allSatisfy {
      $0.index < clusterCount && references.uses($0).contains(.data)
    }
  }
}
