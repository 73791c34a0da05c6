import DiskIO
import DiskImage
import QCOW2
import SystemPackage
import Testing
import TestSupport

/// The largest disks and files, against known values and against QEMU itself.
@Suite struct ImageLimitsTests {
  let scratch: TemporaryDirectory
  init() throws { scratch = try TemporaryDirectory() }

  private static let gib: UInt64 = 1 << 30

  @Test(
    "The largest disk of each cluster size is the specification's",
    arguments: [
      (512, 128 * gib), (1024, 512 * gib), (2048, 2048 * gib), (4096, 8192 * gib),
      (8192, 32_768 * gib), (65_536, 2_097_152 * gib), (2_097_152, 1 << 61),
    ])
  func known(clusterSize: Int, limit: UInt64) throws {
    let geometry = try #require(ClusterGeometry(clusterSize: clusterSize))
    #expect(ImageLimits(geometry).virtualSize == limit)
    #expect(ImageLimits.smallestClusterSize(forVirtualSize: limit) == clusterSize)
  }

  @Test(
    "The largest file has 2^20 refcount blocks",
    arguments: [
      (512, RefcountWidth.bits16, 1 << 28), (4096, .bits16, 1 << 31), (4096, .bits32, 1 << 30),
    ])
  func hostClusters(clusterSize: Int, width: RefcountWidth, count: UInt64) throws {
    let geometry = try #require(ClusterGeometry(clusterSize: clusterSize))
    #expect(ImageLimits(geometry).hostClusters(width) == count)
  }

  @Test(
    "What a file may take by its disk's size alone is what crosvm and Cloud Hypervisor reckon",
    arguments: [
      // 81,920 clusters, 1,280 L2 tables, 20 of the L1 table, 1: 326 blocks and 2 for those.
      (512, 41_943_040, 42_991_616),
      // 10,240 clusters, 20 L2 tables, 1 of the L1 table, 1: 6 blocks and 1.
      (4096, 41_943_040, 58_720_256),
      // 1 cluster of each kind: a block and one for that.
      (65_536, 1, 4_294_967_296), (65_536, 0, 4_294_967_296),
    ] as [(Int, UInt64, UInt64)])
  func fromDiskSize(clusterSize: Int, virtualSize: UInt64, bytes: UInt64) throws {
    let geometry = try #require(ClusterGeometry(clusterSize: clusterSize))
    #expect(ImageLimits(geometry).fileSizeFromDiskSize(virtualSize, .bits16) == bytes)
    let largest = ImageLimits(geometry).virtualSize
    #expect(ImageLimits(geometry).fileSizeFromDiskSize(largest, .bits16) > largest)
  }

  @Test("The smallest cluster size for a disk is found")
  func smallest() {
    #expect(ImageLimits.smallestClusterSize(forVirtualSize: 0) == 512)
    #expect(ImageLimits.smallestClusterSize(forVirtualSize: 128 * Self.gib + 1) == 1024)
    #expect(ImageLimits.smallestClusterSize(forVirtualSize: 1 << 61) == 2 << 20)
    #expect(ImageLimits.smallestClusterSize(forVirtualSize: 1 << 61 + 1) == nil)
    #expect(ImageLimits.smallestClusterSize(forVirtualSize: UInt64.max) == nil)
  }

  @Test("QEMU makes no disk of a cluster more than the limit", arguments: 9...21)
  func refusedByQEMU(bits: Int) throws {
    let geometry = try #require(ClusterGeometry(clusterSize: 1 << bits))
    let beyond = try create(bits, ImageLimits(geometry).virtualSize + 1 << bits)
    #expect(beyond.exitCode != 0)
  }

  @Test("QEMU makes a disk of the limit", arguments: [9, 12])
  func madeByQEMU(bits: Int) throws {
    let geometry = try #require(ClusterGeometry(clusterSize: 1 << bits))
    let within = try create(bits, ImageLimits(geometry).virtualSize)
    #expect(within.exitCode == 0, "\(within)")
  }

  private func create(_ bits: Int, _ size: UInt64) throws -> CommandResult {
    try QemuImage.run([
      "create", "-q", "-f", "qcow2", "-o", "cluster_size=\(1 << bits)",
      scratch.file("image.qcow2").string, "\(size)",
    ])
  }

  @Test("A disk of the limit, as we write it, is one that QEMU opens", arguments: 9...21)
  func opens(bits: Int) throws {
    let geometry = try #require(ClusterGeometry(clusterSize: 1 << bits))
    let limit = ImageLimits(geometry).virtualSize
    let image = try EmptyImage(scratch, geometry)
    _ = try image.writer.finish(virtualSize: limit)
    try image.file.publish(replacing: true, sync: false)
    #expect(try QemuImage(image.file.path).info().virtualSize == limit)
  }

  @Test(
    "A disk beyond the limit is refused from the start, and at the end", arguments: [9, 12, 21])
  func refused(bits: Int) throws {
    let geometry = try #require(ClusterGeometry(clusterSize: 1 << bits))
    let limit = ImageLimits(geometry).virtualSize
    let expected = ImageWriterError.diskTooLarge(
      virtualSize: limit + 1, clusterSize: 1 << bits, limit: limit)
    let atStart = #expect(throws: ImageWriterError.self) {
      _ = try EmptyImage(scratch, geometry, virtualSize: limit + 1)
    }
    #expect(atStart == expected)
    let image = try EmptyImage(scratch, geometry)
    try image.writer.check(virtualSize: limit)
    let atEnd = #expect(throws: ImageWriterError.self) {
      try image.writer.finish(virtualSize: limit + 1)
    }
    #expect(atEnd == expected)
    #expect(expected.remedies == (bits == 21 ? [] : [.useLargerClusters(atLeast: 2 << bits)]))
    #expect(expected.description.contains("no cluster size allows it") == (bits == 21))
  }
}
