package import DiskIO
package import DiskImage

/// What an image holds that is about to be changed: its disks, and how often each cluster is
/// referenced, counted again from all tables as a check does.
///
/// What the refcounts of the file claim is compared with that and then forgotten: what is free is
/// what nothing refers to. So leaks are no damage, such clusters are free; anything else that a
/// check finds is, and the image is refused. Refused are also images that a change could not keep
/// whole: dirty, corrupt or encrypted ones, and those with a backing file, a data file, bitmaps,
/// extended L2 entries, or features that are not known.
///
/// Time: every L2 table is read twice at most. Memory: two bytes a cluster, until a change has taken
/// over what it needs of them (`giveUpReferences`). One thread uses it.
package final class ImageInventory {
  /// What the first cluster says.
  package let metadata: ImageMetadata
  /// The size of clusters.
  package let geometry: ClusterGeometry
  /// The internal snapshots, in the order of the table.
  package let snapshots: [SnapshotEntry]
  /// The image, open for changing.
  let file: OpenFile
  /// How many clusters the file has.
  let clusterCount: UInt64
  /// The size of the file in bytes.
  package let byteCount: UInt64
  /// How many clusters of the file hold data of guests.
  package let dataClusterCount: UInt64
  /// Whether more of the active disk's data is compressed than not.
  package let isMostlyCompressed: Bool
  /// Who has counted, and knows the references; nil once they are given up.
  private var counted: ImageChecker?

  /// Counts all references of an image.
  ///
  /// - Parameters:
  ///   - image: The image, to read.
  ///   - file: The same file, locked, to change.
  /// - Throws: `ImageError` if the image is refused, or cannot be read.
  package init(_ image: ImageFile, changing file: OpenFile) throws(ImageError) {
    let metadata = try ImageMetadata(image)
    try Self.requireChangeable(metadata, image)
    guard let geometry = ClusterGeometry(clusterSize: metadata.clusterSize) else {
      throw image.malformed("clusters of \(metadata.clusterSize) bytes, must be 512 to 2097152")
    }
    self.file = file
    self.metadata = metadata
    self.geometry = geometry
    snapshots = try SnapshotTable.entries(metadata, from: image)
    let checker = try ImageChecker(metadata, image)
    try checker.run()
    try Self.requireSound(checker.result.findings, image)
    byteCount = image.size
    clusterCount = image.size.dividedUp(by: UInt64(geometry.clusterSize))
    isMostlyCompressed = checker.result.compressedClusters * 2 > checker.result.allocatedClusters
    dataClusterCount = (0..<clusterCount).reduce(0) {
      $0 + (checker.references.uses(HostCluster($1)).contains(.data) ? 1 : 0)
    }
    counted = checker
  }

  /// The disks of all snapshots, and the image's own.
  var disks: [DiskTables] { snapshots.map(disk(of:)) + [active] }

  /// The image's own disk.
  package var active: DiskTables {
    DiskTables(
      l1Offset: metadata.header.l1Offset, l1EntryCount: metadata.header.l1EntryCount,
      virtualSize: metadata.header.virtualSize)
  }

  /// The disk of a snapshot; one that does not say its size has that of the image.
  package func disk(of snapshot: SnapshotEntry) -> DiskTables {
    DiskTables(
      l1Offset: snapshot.l1Offset, l1EntryCount: snapshot.l1EntryCount,
      virtualSize: snapshot.virtualSize ?? metadata.virtualSize)
  }

  /// How often a cluster is referenced by all that the image holds. O(1).
  func references(to cluster: HostCluster) -> UInt32 { checker.references.count(cluster) }

  /// Whether a cluster holds data of a guest. O(1).
  func isData(_ cluster: HostCluster) -> Bool {
    checker.references.uses(cluster).contains(.data)
  }

  /// What of the file is in use by metadata that a change writes again: refcounts and the table of
  /// snapshots. They have one reference each.
  func isRewrittenMetadata(_ cluster: HostCluster) -> Bool {
    let uses = checker.references.uses(cluster)
    return !uses.isDisjoint(with: [.refcounts, .snapshotTable])
  }

  /// Gives the memory of all references back; nobody may ask for them afterwards.
  func giveUpReferences() {
    counted = nil
    Heap.trim()
  }

  private var checker: ImageChecker {
    guard let counted else { preconditionFailure("the references were given up") }
    return counted
  }

  private static func requireChangeable(
    _ metadata: ImageMetadata, _ image: ImageFile
  ) throws(ImageError) {
    try metadata.checkReadable(image.path)
    let obstacles: [(Bool, String)] = [
      (
        metadata.header.has(.dirty),
        "it is dirty: the program that wrote to it last did not end properly"
      ),
      (metadata.header.has(.extendedL2), "it has extended L2 entries"),
      (metadata.backingFile != nil, "it has a backing file"),
      (metadata.dataFile != nil, "its data is in an external file"),
      (metadata.bitmapCount > 0, "it has bitmaps"),
    ]
    if let (_, reason) = obstacles.first(where: \.0) {
      throw .unsupported(image.path, reason: reason)
    }
  }

  private static func requireSound(
    _ findings: CheckFindings, _ image: ImageFile
  ) throws(ImageError) {
    let wrong = findings.listed.first { $0.kind != .leak }
    guard let wrong else { return }
    let place = wrong.host.map { " at host byte \($0.bytes)" } ?? ""
    throw image.malformed("a check finds: \(wrong.what)\(place)")
  }
}
