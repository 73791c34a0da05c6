internal import DiskIO
internal import DiskImage
internal import Synchronization
internal import SystemPackage

/// Lends inflaters to the threads that read images of one cluster size and compression method, and
/// makes as many as read at a time.
final class InflaterPool: Sendable {
  private let geometry: ClusterGeometry
  private let method: Compression.Method
  private let idle = Mutex([Inflater]())

  init(_ geometry: ClusterGeometry, _ method: Compression.Method) {
    self.geometry = geometry
    self.method = method
  }

  /// How much memory a thread needs at the most while it reads.
  var bytesPerReader: Int { Inflater.byteCount(geometry) }

  /// Whether its inflaters read images with such clusters.
  func serves(_ geometry: ClusterGeometry, _ method: Compression.Method) -> Bool {
    self.geometry.clusterSize == geometry.clusterSize && self.method == method
  }

  /// Copies a part of a compressed cluster to `part`; see `Inflater.read`.
  func read(
    _ mapping: ClusterMapping, from start: Int, into part: UnsafeMutableRawBufferPointer,
    _ file: ImageFile
  ) throws(ImageError) {
    let inflater = try take(for: mapping, of: file)
    defer { idle.withLock { $0.append(inflater) } }
    try inflater.read(mapping, from: start, into: part, file)
  }

  /// Takes the inflater that knows the cluster, if there is one.
  private func take(
    for mapping: ClusterMapping, of file: ImageFile
  ) throws(ImageError) -> Inflater {
    let found = idle.withLock { idle -> Inflater? in
      guard let index = idle.firstIndex(where: { $0.knows(mapping, of: file) }) else {
        return idle.popLast()
      }
      return idle.remove(at: index)
    }
    if let found { return found }
    do {
      return try Inflater(geometry, method)
    } catch let error as IOError {
      throw .io(error)
    } catch {
      throw .io(IOError(allocating: "a decompressor"))
    }
  }
}
