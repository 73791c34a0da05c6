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
    writer = try ImageWriter(file: file, geometry: geometry, virtualSize: virtualSize)
  }
}
