internal import DiskImage

/// One level of a chain of images: what it does not hold is in the level below it.
enum Layer: Sendable {
  case qcow2(QCOW2Layer)
  case raw(RawImage)

  /// Where guest bytes stand in this layer. Behind its end all is zeros, as QEMU reads it.
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

  /// Reads a run that holds data.
  func read(
    _ place: MappedRun.Place, into part: UnsafeMutableRawBufferPointer
  ) throws(ImageError) {
    switch (self, place) {
    case (.qcow2(let layer), _):
      try layer.read(place, into: part)
    case (.raw(let image), .standard(let host)):
      try image.read(into: part, at: GuestOffset(host.bytes))
    case (.raw, _):
      part.initializeMemory(as: UInt8.self, repeating: 0)
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
