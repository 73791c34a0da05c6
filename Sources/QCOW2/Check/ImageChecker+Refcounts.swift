internal import DiskIO
internal import DiskImage

extension ImageChecker {
  private static let refcountReserved: UInt64 = 0x1FF

  /// The number of entries of the refcount table.
  var refcountTableEntries: UInt64 {
    UInt64(metadata.header.refcountTableClusters) << UInt64(geometry.clusterBits - 3)
  }

  /// The binary logarithm of the number of refcounts in a block.
  var countsPerBlockBits: UInt64 {
    UInt64(geometry.clusterBits) + 3 - UInt64(metadata.header.refcountOrder)
  }

  /// Checks the refcount table's entries and counts the references to the blocks.
  func checkRefcountBlocks() throws(ImageError) {
    let table = metadata.header.refcountTableOffset
    try tableReader.forEachWord(at: table, count: refcountTableEntries) { index, entry in
      let block = HostOffset(entry & ~Self.refcountReserved)
      func corruption(_ what: String, _ expected: String, _ found: String) {
        result.findings.add(.corruption) {
          CheckFinding(
            .corruption, "refcount block \(index) \(what)", host: block, expected: expected,
            found: found)
        }
      }
      if entry & Self.refcountReserved != 0 {
        return corruption(
          "has reserved bits in its entry", "zeros", hexadecimal(entry & Self.refcountReserved))
      }
      if !geometry.isClusterAligned(block) {
        return corruption(
          "is not aligned", "a multiple of \(geometry.clusterSize)", "\(block.bytes)")
      }
      let cluster = geometry.cluster(at: block)
      if cluster.index >= clusterCount {
        return corruption("is outside the file", "less than \(file.size)", "\(block.bytes)")
      }
      refer(to: block, byteCount: geometry.clusterSize, .refcounts, "a refcount block")
      let count = references.count(cluster)
      if count != 1 { corruption("is used for something else too", "1 reference", "\(count)") }
    }
  }

  /// Compares the refcount of each cluster of the file with the references that were counted, and
  /// notes which clusters are counted once.
  func compareRefcounts() throws(ImageError) {
    // A reference may reach into the cluster after the file's end.
    let isBeyond = references.count(HostCluster(clusterCount)) > 0
    let end = HostCluster(isBeyond ? clusterCount + 1 : clusterCount)
    let blockReader = try TableReader(file, byteCount: Int(geometry.clusterSize))
    var next = HostCluster(0)
    try tableReader.forEachWord(
      at: metadata.header.refcountTableOffset, count: refcountTableEntries
    ) { index, entry throws(ImageError) in
      let first = HostCluster(index << countsPerBlockBits)
      let block = HostOffset(entry & ~Self.refcountReserved)
      guard first < end, block.bytes != 0 else { return }
      compareUncounted(next..<first)
      next = min(end, HostCluster((index + 1) << countsPerBlockBits))
      if !geometry.isClusterAligned(block) || block.bytes > UInt64(Int64.max) {
        unreadableBlocks.insert(index)
        let count = next.index - first.index
        result.findings.add(.checkError, times: count) {
          CheckFinding(
            .checkError,
            "the refcounts of clusters \(first.index) to \(next.index - 1) cannot be read",
            host: block, count: count)
        }
      } else {
        try compare(block, first..<next, blockReader)
      }
    }
    compareUncounted(next..<end)
  }

  /// Compares the refcounts of one block with the references to the clusters of `range`.
  private func compare(
    _ block: HostOffset, _ range: Range<HostCluster>, _ reader: TableReader
  ) throws(ImageError) {
    var isHole = true
    try reader.forEachPiece(at: block, byteCount: geometry.clusterSize) { _, bytes in
      isHole = false
      let counts = RefcountBlock(bytes, order: metadata.header.refcountOrder)
      for cluster in range {
        let stored = counts[range.lowerBound.distance(to: cluster)]
        if stored == 1 { references.note(.countedOnce, of: cluster) }
        compare(cluster, stored)
      }
    }
    if isHole { compareUncounted(range) }
  }

  /// Compares clusters that have no refcounts, which is a refcount of 0.
  private func compareUncounted(_ range: Range<HostCluster>) {
    references.forEachUsed(in: range) { compare($0, 0) }
  }

  /// Compares the refcount of one cluster with its references.
  private func compare(_ cluster: HostCluster, _ stored: UInt64) {
    let counted = UInt64(references.count(cluster))
    if stored == 0, counted == 0 { return }
    let host = geometry.host(of: cluster)
    result.end = host.advanced(by: geometry.clusterSize)
    // The highest count that is kept means itself and all above it.
    if stored == counted || counted == UInt64(UInt32.max) && stored > counted { return }
    let kind: CheckFinding.Kind = stored < counted ? .corruption : .leak
    // Flags may have followed from a refcount that was not 0.
    result.findings.add(kind, repair: counted == 0 ? .leaks : .all) {
      CheckFinding(
        kind, stored < counted ? "a refcount is too low" : "a refcount is too high", host: host,
        expected: "\(counted)", found: "\(stored)")
    }
  }

  /// The refcount of any cluster, by the blocks; nil if it cannot be read.
  ///
  /// It reads from the file, unlike `hasOneReference`, and is for clusters after the file's end.
  func storedRefcount(_ cluster: HostCluster) throws(ImageError) -> UInt64? {
    let index = cluster.index >> countsPerBlockBits
    guard index < refcountTableEntries else { return 0 }
    let place = metadata.header.refcountTableOffset.advanced(by: index * 8)
    let entry = try file.padded(8, at: place)
      .withUnsafeBytes { $0.loadBigEndian(UInt64.self, at: 0) }
    let block = HostOffset(entry & ~Self.refcountReserved)
    if block.bytes == 0 { return 0 }
    guard geometry.isClusterAligned(block), block.bytes <= UInt64(Int64.max) else {
      return nil
    }
    // Eight counts always fill whole bytes.
    let inBlock = cluster.index & (1 << countsPerBlockBits - 1)
    let group = inBlock & ~7
    let width = Int(1) << Int(metadata.header.refcountOrder)
    let bytes = try file.padded(width, at: block.advanced(by: group * UInt64(width) / 8))
    return bytes.withUnsafeBytes {
      RefcountBlock($0, order: metadata.header.refcountOrder)[Int(inBlock - group)]
    }
  }

  /// Whether the refcount of a cluster is 1; nil if it cannot be read.
  func hasOneReference(_ cluster: HostCluster) throws(ImageError) -> Bool? {
    guard cluster.index < clusterCount else { return try storedRefcount(cluster).map { $0 == 1 } }
    if !unreadableBlocks.isEmpty, unreadableBlocks.contains(cluster.index >> countsPerBlockBits) {
      return nil
    }
    return references.uses(cluster).contains(.countedOnce)
  }
}
