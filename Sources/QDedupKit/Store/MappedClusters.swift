internal import DiskIO
package import DiskImage
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
