internal import DedupStore
internal import DiskImage
internal import QCOW2

/// Checks entries of a hash store by what they say, without reading the clusters that they name.
struct EntryCheck {
  private let store: StoreGeometry
  /// Where guest places end: at the disk's end, or, if other versions had other disks, at that of the
  /// largest disk.
  private let guestEnd: UInt64
  private let hasVersions: Bool
  private let clusters: ClusterGeometry?
  private let checker: ImageChecker

  init(_ store: StoreGeometry, _ metadata: ImageMetadata, _ checker: ImageChecker) {
    self.store = store
    clusters = ClusterGeometry(clusterSize: metadata.clusterSize)
    hasVersions = metadata.snapshotCount > 0
    let largest = clusters.map { ImageLimits($0).virtualSize } ?? 0
    guestEnd = hasVersions ? largest : metadata.virtualSize
    self.checker = checker
  }

  /// Looks for what is wrong with a slot.
  ///
  /// - Parameters:
  ///   - entry: What it holds.
  ///   - tag: Its tag in the filter.
  ///   - slot: Its number.
  /// - Returns: What is wrong, in words; nil if nothing is.
  func problem(of entry: StoreEntry, tag: Int, inSlot slot: Int) -> String? {
    if entry.isEmpty {
      let isZero = tag == 0 && entry.digest.high | entry.digest.low | entry.firstLogicalSector == 0
      return isZero ? nil : "it is free, but it or its tag \(tag) is not zero"
    }
    let bucket = slot / StoreGeometry.slotsPerBucket
    let (h1, h2) = store.buckets(of: entry.digest)
    guard let expected = store.tag(of: entry.digest, in: bucket) else {
      return "its entry is in bucket \(bucket) and belongs in \(h1) or \(h2)"
    }
    guard expected == tag else { return "its tag is \(tag), must be \(expected)" }
    return problem(ofPlace: entry.physicalSector) ?? problem(ofGuest: entry.firstLogicalSector)
  }

  private func problem(ofPlace sector: UInt64) -> String? {
    let isPossible = sector >> 62 == 2 || sector >> 47 == 0
    guard isPossible, let clusters else {
      return "its place 0x\(String(sector, radix: 16)) is none in a file"
    }
    let mapping = ClusterMapping(physicalSector: sector)
    let host = mapping.host(clusters)
    if !mapping.isCompressed, host.bytes & UInt64(clusters.clusterSize - 1) != 0 {
      return "it names byte \(host.bytes), must be a multiple of \(clusters.clusterSize)"
    }
    guard hasVersions || checker.isUsedForData(mapping, clusters) else {
      return "it names byte \(host.bytes), where the image has no data"
    }
    return nil
  }

  /// Whether a sound entry of an image with versions names a place that has no data any more.
  func isStale(_ entry: StoreEntry) -> Bool {
    guard hasVersions, let clusters else { return false }
    return !checker.isUsedForData(ClusterMapping(physicalSector: entry.physicalSector), clusters)
  }

  private func problem(ofGuest sector: UInt64) -> String? {
    guard sector < guestEnd / 512, let clusters else {
      return "it names guest sector \(sector), past the end of the disk"
    }
    let guest = sector << 9
    guard guest & UInt64(clusters.clusterSize - 1) == 0 else {
      return "it names guest byte \(guest), must be a multiple of \(clusters.clusterSize)"
    }
    return nil
  }
}
