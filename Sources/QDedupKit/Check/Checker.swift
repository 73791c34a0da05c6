internal import DedupStore
internal import DiskIO
internal import DiskImage
internal import QCOW2
public import SystemPackage

/// Checks a qcow2 image and its hash store. Opens no other file, and changes nothing.
///
/// Three passes, on one thread:
/// 1. `StoreCheck.init` reads the store's lists and trailers; if digests are to be looked up it
///    opens the store too, whose filters load on a thread of their own from then on.
/// 2. `ImageChecker` counts the references of all tables and compares them with the refcounts.
/// 3. `StoreCheck.run` reads every incarnation once: slots, tags, checksums; with `comparesData`
///    also the clusters that its entries name, and a lookup of each digest.
///
/// What is wrong is part of the report. What keeps it from looking (a read error, too little
/// memory) makes the report `incomplete`, never `corrupt`: nothing is known then. Only an image
/// whose header cannot be read is an error.
public struct Checker: Sendable {
  private let path: FilePath
  /// Whether the digest of each entry of the store is compared with the cluster that it names, and
  /// looked up in the store.
  public var comparesData = false
  /// Whether an image is checked that a running QEMU may write to.
  public var ignoresLocks = false

  /// A check of one image.
  ///
  /// - Parameter path: A regular file or a block device.
  public init(_ path: FilePath) {
    self.path = path
  }

  /// Checks the image.
  ///
  /// - Returns: What was found.
  /// - Throws: `ConversionError` if the image cannot be read or is none that can be checked.
  public func run() throws(ConversionError) -> CheckReport {
    try converting(ConversionError.image) { () throws(ImageError) in
      let file = try OwnedFile(readingImage: path)
      try file.requireRandomAccess()
      if !ignoresLocks { try ImageLock.acquireForReading(file) }
      let format = try file.detectedFormat()
      guard format == .qcow2 else { throw .notCheckable(path, format) }
      return try Self.check(try ImageFile(file), comparesData: comparesData)
    }
  }

  /// Checks an image that is open.
  ///
  /// - Parameters:
  ///   - file: The image.
  ///   - comparesData: Whether the entries of its store are compared with clusters, and looked up.
  /// - Returns: What was found.
  /// - Throws: `ImageError` if its header cannot be read, or is none that can be checked.
  static func check(
    _ file: ImageFile, comparesData: Bool = false
  ) throws(ImageError) -> CheckReport {
    let metadata = try ImageMetadata(file)
    let checker = try ImageChecker(metadata, file)
    // The filters of the store load while the image's tables are checked.
    let storeCheck = try StoreCheck(metadata, file, checker, comparesData: comparesData)
    try checker.run()
    var (store, failure): (CheckReport.HashStore?, String?)
    do throws(ImageError) {
      store = try storeCheck?.run()
    } catch {
      failure = "the hash store was not checked: \(error)"
    }
    failure = failure ?? storeCheck?.failure
    return CheckReport(
      file.path, file, metadata, checker.result, store, failure,
      notes: storeCheck?.notes ?? [])
  }
}

extension CheckReport {
  init(
    _ path: FilePath, _ file: ImageFile, _ metadata: ImageMetadata, _ check: ImageCheck,
    _ store: HashStore?, _ storeFailure: String?, notes: [String]
  ) {
    let findings = check.findings
    // QEMU does not open an encrypted image without its key, looks elsewhere for a data file, and
    // opens a backing file, which nobody has allowed here.
    let isForQemu =
      metadata.encryption == nil && metadata.dataFile == nil && metadata.backingFile == nil
    let isCorrupt =
      findings[.corruption] > 0 || findings[.overlap] > 0 || store?.state == .damaged
    let result: Result =
      findings[.checkError] > 0 || storeFailure != nil
      ? .incomplete : isCorrupt ? .corrupt : findings[.leak] > 0 ? .leaks : .clean
    self.init(
      tool: .current, path: path.string,
      fileSize: file.size, clusterSize: metadata.clusterSize, result: result,
      checkErrors: findings[.checkError], corruptions: findings[.corruption],
      overlaps: findings[.overlap], leaks: findings[.leak],
      repair: findings.isEmpty || !isForQemu ? nil : findings.repair,
      findings: findings.listed.map(Finding.init),
      notes: Self.notes(metadata) + notes + (storeFailure.map { [$0] } ?? []),
      totalClusters: check.totalClusters, allocatedClusters: check.allocatedClusters,
      compressedClusters: check.compressedClusters,
      fragmentedClusters: check.fragmentedClusters, imageEndOffset: check.end.bytes,
      hashStore: store)
  }

  private static func notes(_ metadata: ImageMetadata) -> [String] {
    let marks = metadata.features.filter { $0.kind == .incompatible && $0.bit < 2 }
    var notes = marks.map {
      $0 == .dirty
        ? "it is marked as dirty: the last writer did not end properly"
        : "it is marked as corrupt by an earlier writer or check"
    }
    if metadata.backingFile != nil { notes.append("its backing file was not checked") }
    if metadata.dataFile != nil { notes.append("its data file was not checked") }
    return notes
  }
}

extension CheckReport.Finding {
  init(_ finding: CheckFinding) {
    self.init(
      kind: finding.kind.rawValue, message: finding.what, hostOffset: finding.host?.bytes,
      guestOffset: finding.guest?.bytes, expected: finding.expected, found: finding.found,
      count: finding.count)
  }
}
