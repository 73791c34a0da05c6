public import DiskIO
public import DiskImage
public import SystemPackage

/// A qcow2 image with all the files that it consists of, read like any other image.
///
/// A read goes down the chain, run by run: each `Layer` says where the bytes of a run are, and what
/// is unallocated in one is looked up in the next. `nextData` asks the same question without
/// reading.
///
///     QCOW2Image → Layer (image, backing file, …) → ClusterTables → TableCache → ImageFile
///                                                 → InflaterPool → Inflater → ImageFile
///
/// Several threads read at a time; all state that changes is in `TableCache` and `InflaterPool`,
/// each under a lock of its own. Memory does not grow with the image: tables are read piece by
/// piece (256 KiB for each layer), compressed clusters are restored into the memory of the thread
/// that wants them (`bytesPerReader`).
///
/// Nothing that a file says is trusted: places and sizes are checked before they are used, so a
/// damaged or hostile image costs an error, or at worst the time for what it claims to hold. Files
/// must not change while they are read.
public final class QCOW2Image: ImageSource {
  /// The chain: the image first, then its backing file, and so on.
  private let layers: [Layer]

  /// What the image's own first cluster says.
  public let metadata: ImageMetadata
  /// The name of the image.
  public let path: FilePath
  /// The size of the disk in bytes.
  public let virtualSize: UInt64
  /// The size of the image's own file in bytes.
  public let fileSize: UInt64
  /// Room to restore a compressed cluster of each kind that the files may hold.
  public let bytesPerReader: Int
  /// The size of the largest clusters in the chain.
  public let clusterBytes: Int
  /// The files that are read.
  public let parts: [ImagePart]

  init(
    _ layers: [Layer], _ metadata: ImageMetadata, path: FilePath, fileSize: UInt64,
    bytesPerReader: Int, parts: [ImagePart]
  ) {
    self.layers = layers
    self.metadata = metadata
    self.path = path
    self.fileSize = fileSize
    self.bytesPerReader = bytesPerReader
    self.parts = parts
    virtualSize = layers[0].virtualSize
    clusterBytes = layers.reduce(1) { max($0, $1.clusterBytes) }
  }

  /// Makes sure that no file of the chain was changed since it was opened.
  public func requireUnchanged() throws(ImageError) {
    for layer in layers { try layer.requireUnchanged() }
  }

  /// The next run of data, by what the tables of all layers say.
  ///
  /// After `patience` runs without data the next one counts as data whatever it is, so that the
  /// caller can stop: tables that lead to one another in a hostile image may go on for hours.
  public func nextData(from offset: GuestOffset) throws(ImageError) -> GuestRange? {
    var (place, runs) = (offset, 0)
    while place.bytes < virtualSize {
      let (_, run) = try locate(place, limit: virtualSize - place.bytes, seesHoles: true)
      let end = GuestOffset(place.bytes + run.byteCount)
      runs += 1
      if run.isData { return GuestRange(place, upTo: try endOfData(from: end)) }
      if runs == Self.patience {
        return GuestRange(place, upTo: min(end, GuestOffset(place.bytes + Self.lookAhead)))
      }
      place = end
    }
    return nil
  }

  private static let patience = 1 << 18

  /// Where data that goes on at `offset` ends, or a place before that: looking far ahead would only
  /// be looking twice.
  private func endOfData(from offset: GuestOffset) throws(ImageError) -> GuestOffset {
    var place = offset
    let limit = min(virtualSize, offset.bytes + Self.lookAhead)
    while place.bytes < limit {
      let (_, run) = try locate(place, limit: limit - place.bytes, seesHoles: true)
      guard run.isData else { break }
      place = GuestOffset(place.bytes + run.byteCount)
    }
    return place
  }

  private static let lookAhead: UInt64 = 4 << 20

  /// Finds all runs first, and reads them layer by layer in the order of the files.
  public func read(
    into buffer: UnsafeMutableRawBufferPointer, at offset: GuestOffset
  ) throws(ImageError) {
    var parts: [ReadPart] = []
    var done = 0
    while done < buffer.count {
      let (index, run) = try locate(
        GuestOffset(offset.bytes + UInt64(done)), limit: UInt64(buffer.count - done),
        seesHoles: false)
      let range = done..<done + Int(run.byteCount)
      if let host = layers[index].host(of: run.place) {
        parts.append(ReadPart(layer: index, place: run.place, host: host, range: range))
      } else {
        UnsafeMutableRawBufferPointer(rebasing: buffer[range])
          .initializeMemory(as: UInt8.self, repeating: 0)
      }
      done = range.upperBound
    }
    parts.sortByPlace()
    var rest = parts[...]
    while let first = rest.first {
      let own = rest.prefix { $0.layer == first.layer }
      try layers[first.layer].read(own, into: buffer)
      rest = rest[own.endIndex...]
    }
  }

  /// Goes down the chain to the layer that knows where a place is.
  ///
  /// - Returns: The layer's number, and a run of 1 to `limit` bytes, unallocated only in the last.
  private func locate(
    _ offset: GuestOffset, limit: UInt64, seesHoles: Bool
  ) throws(ImageError) -> (layer: Int, run: MappedRun) {
    guard offset.bytes < virtualSize else { return (0, MappedRun(.zero, limit)) }
    var limit = limit
    for (index, layer) in layers.enumerated() {
      let run = try layer.run(at: offset, limit: limit, seesHoles: seesHoles)
      if run.place != .unallocated || index == layers.count - 1 { return (index, run) }
      limit = run.byteCount
    }
    return (0, MappedRun(.zero, limit))
  }
}

extension QCOW2Image {
  /// What of an image to read, and what is allowed for it.
  public struct Options: Sendable {
    /// The internal snapshot to read, by id or name; nil for the image as it is now.
    public var snapshot: String?
    /// Whether files that the image names, its backing file and its data file, are opened.
    public var followsExternalFiles = false
    /// Whether to read although a running QEMU may write to one of the files.
    public var ignoresLocks = false

    /// The image as it is now, by itself.
    public init() {}
  }

  /// Opens an image and, if that is allowed, the files that it names.
  ///
  /// - Parameters:
  ///   - file: The image, open for reading and, unless locks are ignored, locked.
  ///   - options: What to read.
  /// - Returns: The image.
  /// - Throws: `ImageError` if the image is damaged, uses what is not supported, or names files
  ///   that are not allowed or cannot be opened.
  public static func open(
    _ file: consuming OwnedFile, _ options: Options = Options()
  ) throws(ImageError) -> QCOW2Image {
    var chain = ImageChain(options)
    return try chain.open(try ImageFile(file))
  }

  /// One disk of an image that nothing in the image names yet: its tables have been written, and the
  /// header is still the old one.
  ///
  /// - Parameters:
  ///   - disk: Its tables.
  ///   - file: The image, which has neither backing file nor data file.
  ///   - metadata: What its first cluster says.
  /// - Returns: The disk.
  /// - Throws: `ImageError` if the L1 table is not where it can be.
  package static func open(
    _ disk: DiskTables, of file: ImageFile, _ metadata: ImageMetadata
  ) throws(ImageError) -> QCOW2Image {
    guard let geometry = ClusterGeometry(clusterSize: metadata.clusterSize) else {
      throw file.malformed("clusters of \(metadata.clusterSize) bytes, must be 512 to 2097152")
    }
    let pool = InflaterPool(geometry, metadata.compression)
    let snapshot = Snapshot(SnapshotEntry(id: "", name: "", seconds: 0, disk: disk))
    let layer = try QCOW2Layer(
      file, dataFile: nil, metadata, geometry, pool, snapshot: snapshot)
    return QCOW2Image(
      [.qcow2(layer)], metadata, path: file.path, fileSize: file.size,
      bytesPerReader: pool.bytesPerReader, parts: [])
  }
}
