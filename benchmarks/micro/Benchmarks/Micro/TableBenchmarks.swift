import Benchmark
import DiskIO
import DiskImage
import QCOW2
import SystemPackage

/// The image writer's tables.
func tableBenchmarks() {
  for (name, size) in [("4 KiB", 4096), ("64 KiB", 65_536)] {
    Benchmark(
      "L2 entry, clusters of \(name), tables written",
      closure: { benchmark, image in try image.map(benchmark.scaledIterations) },
      setup: { try MappedImage(clusterSize: size) })
  }
}

/// An image of which only the tables are written.
private final class MappedImage {
  private let geometry: ClusterGeometry
  private let file: AtomicFile

  init(clusterSize: Int) throws(IOError) {
    geometry = ClusterGeometry(clusterSize: clusterSize)!
    file = try AtomicFile(replacing: FilledStore.directory.appending("micro.qcow2"))
  }

  /// Maps guest clusters to one host cluster each, in order, at all of which there is one reference.
  ///
  /// Each call begins a new image, so that tables are written where there were some before: the
  /// file system then takes no new memory, which costs more than the tables do.
  func map(_ clusters: Range<Int>) throws {
    let writer = try ImageWriter(file: file.handle, geometry: geometry, virtualSize: nil)
    for cluster in clusters {
      let guest = GuestOffset(UInt64(cluster) << UInt64(geometry.clusterBits))
      let mapping = ClusterMapping(standard: try writer.allocateData(for: guest))
      writer.addReferences(1, to: mapping)
      try writer.map(guest, to: mapping)
    }
  }
}
