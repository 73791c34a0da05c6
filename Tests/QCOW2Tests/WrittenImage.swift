import DiskIO
import DiskImage
import QCOW2
import SystemPackage
import Testing
import TestSupport

/// An image that is written cluster by cluster, and the disk that it must show.
final class WrittenImage {
  let writer: ImageWriter
  let geometry: ClusterGeometry
  private let scratch: TemporaryDirectory
  private let file: AtomicFile
  private(set) var disk: [UInt8]
  private var owners: [HostOffset: (guest: GuestOffset, content: UInt8)] = [:]

  /// Begins an image for a disk of so many bytes.
  init(_ scratch: TemporaryDirectory, clusterSize: Int, virtualSize: Int) throws {
    self.scratch = scratch
    geometry = try #require(ClusterGeometry(clusterSize: clusterSize))
    file = try AtomicFile(replacing: scratch.file("image.qcow2"))
    writer = try ImageWriter(
      file: file.handle, geometry: geometry, virtualSize: UInt64(virtualSize))
    disk = [UInt8](repeating: 0, count: virtualSize)
  }

  /// A finished image of 200 clusters of 512 bytes: one in three is unallocated, and one host cluster
  /// is shared.
  static func mixture(_ scratch: TemporaryDirectory) throws -> WrittenImage {
    let image = try WrittenImage(scratch, clusterSize: 512, virtualSize: 512 * 200)
    let host = try image.store(1, at: 0)
    for cluster in 1..<200 where cluster % 3 != 0 {
      if cluster % 5 == 0 {
        try image.share(host, at: cluster)
      } else {
        try image.store(UInt8(cluster), at: cluster)
      }
    }
    try image.finish()
    return image
  }

  /// Maps a guest cluster to a new host cluster filled with one byte.
  @discardableResult
  func store(_ content: UInt8, at cluster: Int) throws -> HostOffset {
    let host = try writer.allocateData(for: guest(cluster))
    try file.file.write([UInt8](repeating: content, count: geometry.clusterSize), at: host.bytes)
    writer.addReferences(1, to: ClusterMapping(standard: host))
    owners[host] = (guest(cluster), content)
    try map(cluster, to: host)
    return host
  }

  /// Maps a guest cluster to a host cluster that another one has already.
  func share(_ host: HostOffset, at cluster: Int) throws {
    claim(host)
    try map(cluster, to: host)
  }

  /// Counts a reference that is not mapped yet.
  func claim(_ host: HostOffset) {
    writer.addReferences(
      1, to: ClusterMapping(standard: host), mappedFrom: owners[host]!.guest)
  }

  /// Takes back a reference that was claimed.
  func release(_ host: HostOffset) {
    writer.removeReference(
      to: ClusterMapping(standard: host), mappedFrom: owners[host]!.guest)
  }

  /// Maps a guest cluster whose reference has been counted.
  func map(_ cluster: Int, to host: HostOffset) throws {
    try writer.map(guest(cluster), to: ClusterMapping(standard: host))
    let start = cluster << geometry.clusterBits
    for index in start..<min(start + geometry.clusterSize, disk.count) {
      disk[index] = owners[host]!.content
    }
  }

  /// Completes the image, gives it its name and has it checked and read by all readers.
  @discardableResult
  func finish(
    features: [ImageFeature] = [], extensions: [HeaderExtension] = []
  ) throws -> FinishedImage {
    let image = try writer.finish(
      virtualSize: UInt64(disk.count), features: features, extensions: extensions)
    try file.publish(replacing: true, sync: false)
    #expect(try file.file.size() == image.fileSize)
    try expectSound()
    return image
  }

  /// The image's name, once it is finished.
  var path: FilePath { file.path }

  /// Has `qemu-img check` look at the image, and compares the disk as two programs read it.
  func expectSound() throws {
    try QemuImage(path).check().expectingExit(0)
    let raw = scratch.file("image.raw")
    try QemuImage.run(["convert", "-f", "qcow2", "-O", "raw", path.string, raw.string])
      .expectingExit(0)
    #expect(try TemporaryDirectory.content(of: raw) == disk)
    let image = try QCOW2Image.open(try OwnedFile(readingFrom: path))
    #expect(image.virtualSize == UInt64(disk.count))
    #expect(try image.allBytes() == disk)
  }

  private func guest(_ cluster: Int) -> GuestOffset {
    GuestOffset(UInt64(cluster) << geometry.clusterBits)
  }
}

extension QCOW2Image {
  /// The whole disk, put together from its data ranges.
  func allBytes() throws -> [UInt8] {
    var disk = [UInt8](repeating: 0, count: Int(virtualSize))
    var offset = GuestOffset(0)
    while let range = try nextData(from: offset) {
      try #require(range.start >= offset && range.byteCount > 0)
      try #require(range.end.bytes <= virtualSize)
      try disk.withUnsafeMutableBytes { bytes in
        let part = Int(range.start.bytes)..<Int(range.end.bytes)
        try read(into: UnsafeMutableRawBufferPointer(rebasing: bytes[part]), at: range.start)
      }
      offset = range.end
    }
    return disk
  }
}
