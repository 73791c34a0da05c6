package import DiskImage
internal import DiskIO
package import QCOW2
internal import SystemPackage

/// Reads clusters of an image by the places that a hash store names.
package final class MappedClusters {
  private let file: ImageFile
  private let geometry: ClusterGeometry
  private let inflater: Inflater
  private let buffer: AlignedBuffer

  /// A reader of one image.
  ///
  /// - Parameters:
  ///   - metadata: The image's header.
  ///   - file: The image.
  /// - Throws: `ImageError` if there is not enough memory.
  package init(_ metadata: ImageMetadata, _ file: ImageFile) throws(ImageError) {
    guard let geometry = ClusterGeometry(clusterSize: metadata.clusterSize) else {
      throw file.malformed("clusters of \(metadata.clusterSize) bytes, must be 512 to 2097152")
    }
    self.file = file
    self.geometry = geometry
    do {
      inflater = try Inflater(geometry, metadata.compression)
      buffer = try AlignedBuffer(byteCount: geometry.clusterSize, purpose: "a cluster to check")
    } catch {
      throw .io(IOError(allocating: "a cluster to check"))
    }
  }

  /// Reads a cluster, restored if it is compressed.
  ///
  /// - Parameters:
  ///   - mapping: Its place.
  ///   - body: Gets its bytes.
  /// - Returns: What `body` returns.
  /// - Throws: `ImageError` if it is not inside the file, or does not restore.
  package func withCluster<Result>(
    at mapping: ClusterMapping, _ body: (UnsafeRawBufferPointer) -> Result
  ) throws(ImageError) -> Result {
    if mapping.isCompressed {
      try inflater.read(mapping, from: 0, into: buffer.bytes, file)
    } else {
      try file.read(into: buffer.bytes, at: mapping.host(geometry), "a cluster")
    }
    return body(UnsafeRawBufferPointer(buffer.bytes))
  }
}

/// How an entry of the hash store names the place of a cluster's data, its `physicalSector`: the
/// host offset / 512, or, with bit 63 set, the low 62 bits of a compressed cluster's L2 entry.
///
/// This is the only conversion between the two.
extension ClusterMapping {
  private static let compressed: UInt64 = 1 << 63

  /// The mapping that an entry's number stands for.
  package init(physicalSector: UInt64) {
    if physicalSector & Self.compressed != 0 {
      self.init(descriptor: physicalSector)
    } else {
      self.init(standard: HostOffset(physicalSector << 9))
    }
  }

  /// The number that stands for this mapping in an entry.
  package var physicalSector: UInt64 {
    if let descriptor { return Self.compressed | descriptor }
    return entry >> 9
  }
}
