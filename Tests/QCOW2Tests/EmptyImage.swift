import DiskIO
import DiskImage
import QCOW2
import TestSupport

/// An image in which nothing is stored yet.
struct EmptyImage {
  let file: AtomicFile
  let writer: ImageWriter

  init(_ scratch: TemporaryDirectory, _ geometry: ClusterGeometry, virtualSize: UInt64? = nil)
    throws
  {
    file = try AtomicFile(replacing: scratch.file("image.qcow2"))
    writer = try ImageWriter(file: file.handle, geometry: geometry, virtualSize: virtualSize)
  }
}

extension ImageWriter {
  /// Completes an image that has nothing but a disk.
  func finish(
    virtualSize: UInt64, method: CompressionMethod? = nil, features: [ImageFeature] = [],
    extensions: [HeaderExtension] = []
  ) throws(ImageWriterError) -> FinishedImage {
    var contents = ImageContents(active: try endDisk(virtualSize: virtualSize, isActive: true))
    (contents.method, contents.features, contents.extensions) = (method, features, extensions)
    return try finish(contents)
  }
}
