internal import DedupStore
package import DiskImage
package import QCOW2

/// Checks the hash store of an image.
package struct StoreCheck {
  private let metadata: ImageMetadata
  private let file: ImageFile
  private let checker: ImageChecker
  private let comparesData: Bool
  /// The store as its header extension, lists and trailers tell it; nil without an extension.
  private let store: SavedHashStore?
  /// Looks its entries up; nil if data is not compared, or if the store may not be trusted.
  private let lookups: LookupCheck?

  /// The check of a store; nil if the image has no mark of one. With `comparesData` the store is
  /// opened here, and its filters begin to load.
  ///
  /// - Parameters:
  ///   - metadata: The image's header.
  ///   - file: The image.
  ///   - checker: What checks its tables.
  ///   - comparesData: Whether digests are compared with clusters, and looked up.
  /// - Throws: `ImageError` if the file cannot be read.
  package init?(
    _ metadata: ImageMetadata, _ file: ImageFile, _ checker: ImageChecker, comparesData: Bool
  ) throws(ImageError) {
    self.metadata = metadata
    self.file = file
    self.checker = checker
    self.comparesData = comparesData
    store = SavedHashStore(of: metadata, in: file)
    if comparesData, let store {
      lookups = try LookupCheck(store, file)
    } else {
      lookups = nil
    }
    if store == nil, !StoreInImage.isMarked(metadata) { return nil }
  }

  /// What else is worth knowing; complete after `run`.
  var notes: [String] { [lookups?.note].compactMap { $0 } }

  /// What kept a part from being checked; nil if nothing did. Complete after `run`.
  var failure: String? { lookups?.failure }

  /// Checks the store; the image's tables have been checked.
  ///
  /// - Returns: What was found.
  /// - Throws: `ImageError` if the file cannot be read.
  package func run() throws(ImageError) -> CheckReport.HashStore {
    var report = CheckReport.HashStore(state: .valid)
    guard let store else {
      report.note("its feature bit is set, but there is no header extension")
      return report
    }
    if let staleness = store.staleness {
      report.state = .stale
      report.reason = staleness
      return report
    }
    if let failure = store.readFailure { throw failure }
    if let problem = store.problem { report.note(problem) }
    guard let dump = store.dump, let header = store.header,
      let geometry = try? StoreGeometry(order: Int(dump.order))
    else { return report }
    try checkEffort(dump, geometry)
    checkAreas(header, dump, geometry, &report)
    if comparesData { report.comparedClusters = 0 }
    report.incarnations = dump.incarnations.count
    let check = try IncarnationCheck(
      geometry, metadata, file, checker, comparesData: comparesData, lookups)
    var damaged: Set<HostOffset> = []
    for (offset, trailer) in zip(dump.incarnations, store.trailers) {
      let problemCount = report.problemCount
      switch trailer {
      case .success(let trailer):
        try check.run(HostOffset(offset.bytes), trailer, &report)
      case .failure(.io(let error)):
        throw .io(error)
      case .failure(let reason):
        report.note(SavedHashStore.problem(ofIncarnationAt: offset, reason))
      }
      if report.problemCount > problemCount { damaged.insert(HostOffset(offset.bytes)) }
    }
    lookups?.finish(besides: damaged, &report)
    return report
  }

  /// How much of a store is read at least, whatever the file takes on the disk.
  private static let leastReadBytes: UInt64 = 64 << 30

  /// Makes sure that a small file with large holes does not take hours: holes of incarnations are
  /// read like their data.
  private func checkEffort(
    _ dump: StoreDump, _ geometry: StoreGeometry
  ) throws(ImageError) {
    // At most a million incarnations of at most 2^39 bytes each, all inside the file.
    let byteCount = UInt64(dump.incarnations.count) * UInt64(geometry.incarnationBytes)
    let allocated = try file.allocatedSize()
    guard byteCount > Self.leastReadBytes, byteCount / 64 > allocated else { return }
    throw .malformed(
      file.path,
      reason: """
        its \(dump.incarnations.count) incarnations have \(byteCount) bytes, and the whole file \
        takes \(allocated) on the disk
        """)
  }

  /// Checks that nothing else is where the store is.
  private func checkAreas(
    _ header: StoreHeader, _ dump: StoreDump, _ geometry: StoreGeometry,
    _ report: inout CheckReport.HashStore
  ) {
    let size = UInt64(geometry.incarnationBytes)
    var areas = dump.incarnations.map { ("an incarnation", $0, size) }
    areas += dump.limbo.map { ("a limbo space", $0, size) }
    if let offset = header.dumpOffset {
      areas.append(("the dump", offset, UInt64(header.dumpLength)))
    }
    for (what, offset, byteCount) in areas {
      if let host = checker.firstUse(at: HostOffset(offset.bytes), byteCount: byteCount) {
        report.note(
          "\(what) at byte \(offset) overlaps a cluster that is used or counted, at byte \(host.bytes)"
        )
      }
    }
  }
}
