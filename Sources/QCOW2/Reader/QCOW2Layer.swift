internal import DiskIO
internal import DiskImage

/// One qcow2 file of a chain, with its data file if it has one, as if it had no backing file.
final class QCOW2Layer: Sendable {
  private let file: ImageFile
  private let data: ImageFile
  private let tables: ClusterTables
  private let inflaters: InflaterPool
  private let geometry: ClusterGeometry

  /// The size of its disk in bytes.
  var virtualSize: UInt64 { tables.virtualSize }

  /// The size of its clusters in bytes.
  var clusterBytes: Int { geometry.clusterSize }

  /// - Parameters:
  ///   - file: The image.
  ///   - dataFile: The file with its data, if that is another.
  ///   - metadata: The image's header, which can be read.
  ///   - geometry: The size of its clusters.
  ///   - inflaters: What restores compressed clusters of this size and the image's method.
  ///   - snapshot: The snapshot to show instead of the image as it is now.
  /// - Throws: `ImageError` if the L1 table is not where it can be.
  init(
    _ file: ImageFile, dataFile: ImageFile?, _ metadata: ImageMetadata,
    _ geometry: ClusterGeometry, _ inflaters: InflaterPool, snapshot: Snapshot?
  ) throws(ImageError) {
    self.file = file
    self.inflaters = inflaters
    self.geometry = geometry
    data = dataFile ?? file
    tables = try ClusterTables(metadata, snapshot: snapshot, file: file)
  }

  /// Makes sure that the image and its data file were not changed since they were opened.
  func requireUnchanged() throws(ImageError) {
    try file.requireUnchanged()
    try data.requireUnchanged()
  }

  /// Where guest bytes stand; see `ClusterTables.run`.
  func run(at offset: GuestOffset, limit: UInt64) throws(ImageError) -> MappedRun {
    try tables.run(at: offset, limit: limit)
  }

  /// Reads a run that holds data.
  func read(
    _ place: MappedRun.Place, into part: UnsafeMutableRawBufferPointer
  ) throws(ImageError) {
    switch place {
    case .standard(let host):
      try readStandard(into: part, at: host.bytes)
    case .compressed(let mapping, let start):
      try inflaters.read(mapping, from: start, into: part, file)
    case .zero, .unallocated:
      part.initializeMemory(as: UInt8.self, repeating: 0)
    }
  }

  /// Reads clusters that stand as they are. A data file, like a raw image, may end inside its last
  /// cluster; what is missing there is zeros.
  private func readStandard(
    into part: UnsafeMutableRawBufferPointer, at offset: UInt64
  ) throws(ImageError) {
    guard data !== file else { return try file.read(into: part, at: offset, "a cluster") }
    let clusterSize = UInt64(geometry.clusterSize)
    let lastCluster = (offset + UInt64(part.count) - 1) & ~(clusterSize - 1)
    try data.check(1, at: max(offset, lastCluster), "a cluster")
    let count = Int(min(UInt64(part.count), data.size - offset))
    let start = UnsafeMutableRawBufferPointer(rebasing: part[..<count])
    try data.read(into: start, at: offset, "a cluster")
    UnsafeMutableRawBufferPointer(rebasing: part[count...])
      .initializeMemory(as: UInt8.self, repeating: 0)
  }
}
