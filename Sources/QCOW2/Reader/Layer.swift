internal import DiskIO
internal import DiskImage

/// One level of a chain of images: what it does not hold is in the level below it.
enum Layer: Sendable {
  case qcow2(QCOW2Layer)
  case raw(RawImage)

  /// Where guest bytes are in this layer. After its end all is zeros, as QEMU reads it.
  ///
  /// - Parameters:
  ///   - offset: The guest offset of the first byte.
  ///   - limit: The most bytes that matter, more than 0.
  ///   - seesHoles: Whether it matters that a part of a raw image is a hole.
  /// - Returns: A run of 1 to `limit` bytes.
  /// - Throws: `ImageError`.
  func run(
    at offset: GuestOffset, limit: UInt64, seesHoles: Bool
  ) throws(ImageError) -> MappedRun {
    guard offset.bytes < virtualSize else { return MappedRun(.zero, limit) }
    let limit = min(limit, virtualSize - offset.bytes)
    switch self {
    case .qcow2(let layer):
      return try layer.run(at: offset, limit: limit)
    case .raw(let image):
      let data = MappedRun(.standard(HostOffset(offset.bytes)), limit)
      guard seesHoles else { return data }
      guard let range = try image.nextData(from: offset) else { return MappedRun(.zero, limit) }
      if offset < range.start {
        return MappedRun(.zero, min(limit, range.start.bytes - offset.bytes))
      }
      return MappedRun(data.place, min(limit, range.end.bytes - offset.bytes))
    }
  }

  /// Makes sure that no file of the layer was changed since it was opened.
  func requireUnchanged() throws(ImageError) {
    switch self {
    case .qcow2(let layer): try layer.requireUnchanged()
    case .raw(let image): try image.requireUnchanged()
    }
  }

  /// Where in its file the data of a place begins; nil for zeros.
  func host(of place: MappedRun.Place) -> HostOffset? {
    switch (self, place) {
    case (_, .zero), (_, .unallocated): nil
    case (_, .standard(let host)): host
    case (.qcow2(let layer), .compressed(let mapping, _)): mapping.host(layer.geometry)
    case (.raw, .compressed): nil
    }
  }

  /// Reads parts of this layer, which are in the order of their places.
  func read(
    _ parts: ArraySlice<ReadPart>, into buffer: UnsafeMutableRawBufferPointer
  ) throws(ImageError) {
    switch self {
    case .qcow2(let layer):
      try layer.read(parts, into: buffer)
    case .raw(let image):
      for part in parts {
        try image.read(into: part.bytes(of: buffer), at: GuestOffset(part.host.bytes))
      }
    }
  }

  /// The size of its disk in bytes.
  var virtualSize: UInt64 {
    switch self {
    case .qcow2(let layer): layer.virtualSize
    case .raw(let image): image.virtualSize
    }
  }

  /// The size of its clusters; 1 for a raw image.
  var clusterBytes: Int {
    switch self {
    case .qcow2(let layer): layer.clusterBytes
    case .raw: 1
    }
  }
}

/// One qcow2 file of a chain, with its data file if it has one, as if it had no backing file.
final class QCOW2Layer: Sendable {
  private let file: ImageFile
  private let data: ImageFile
  private let tables: ClusterTables
  private let inflaters: InflaterPool
  /// The size of its clusters.
  let geometry: ClusterGeometry

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

  /// Where guest bytes are; see `ClusterTables.run`.
  func run(at offset: GuestOffset, limit: UInt64) throws(ImageError) -> MappedRun {
    try tables.run(at: offset, limit: limit)
  }

  /// Reads parts in the order of their places. One that is where the part before it is gets copied
  /// from that.
  func read(
    _ parts: ArraySlice<ReadPart>, into buffer: UnsafeMutableRawBufferPointer
  ) throws(ImageError) {
    let compressed = parts.lazy.compactMap { part -> ClusterMapping? in
      if case .compressed(let mapping, _) = part.place { mapping } else { nil }
    }
    guard let first = compressed.first else { return try read(parts, into: buffer, by: nil) }
    try inflaters.withInflater(for: first, of: file) { inflater throws(ImageError) in
      try read(parts, into: buffer, by: inflater)
    }
  }

  private func read(
    _ parts: ArraySlice<ReadPart>, into buffer: UnsafeMutableRawBufferPointer,
    by inflater: Inflater?
  ) throws(ImageError) {
    var last: ReadPart?
    for index in parts.indices {
      let part = parts[index]
      let bytes = part.bytes(of: buffer)
      if let last, last.place == part.place, last.range.count >= bytes.count {
        bytes.copyMemory(
          from: UnsafeRawBufferPointer(rebasing: last.bytes(of: buffer)[..<bytes.count]))
        continue
      }
      if case .compressed(let mapping, let start) = part.place, let inflater {
        try inflater.read(mapping, from: start, into: bytes, file) { limit in
          parts.spanEnd(from: index, geometry, limit: limit)
        }
      } else {
        try readStandard(into: bytes, at: part.host)
      }
      last = part
    }
  }

  /// Reads clusters that are stored as they are. A data file, like a raw image, may end inside its last
  /// cluster; what is missing there is zeros.
  private func readStandard(
    into part: UnsafeMutableRawBufferPointer, at host: HostOffset
  ) throws(ImageError) {
    guard data !== file else { return try file.read(into: part, at: host, "a cluster") }
    let clusterSize = UInt64(geometry.clusterSize)
    let lastCluster = HostOffset((host.bytes + UInt64(part.count) - 1) & ~(clusterSize - 1))
    try data.check(1, at: max(host, lastCluster), "a cluster")
    let count = Int(min(UInt64(part.count), data.size - host.bytes))
    let start = UnsafeMutableRawBufferPointer(rebasing: part[..<count])
    try data.read(into: start, at: host, "a cluster")
    UnsafeMutableRawBufferPointer(rebasing: part[count...])
      .initializeMemory(as: UInt8.self, repeating: 0)
  }
}
