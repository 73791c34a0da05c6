import SystemPackage
import TestSupport
import Testing

/// Images of every kind come out whole.
@Suite struct ImageTests {
  let workspace: Workspace
  var input: FilePath { workspace.input }
  var output: FilePath { workspace.output }

  init() throws { workspace = try Workspace() }

  @Test("A file system comes out whole, with its copies shared")
  func fileSystemComesOutWhole() throws {
    try Ext4Image.make(at: input, mebibytes: 40, seed: 1)
    let report = try workspace.convert()
    try expectSound(output, equals: input)
    #expect(report.clusters.duplicate > 0)
    #expect(report.clusters.unique > 0)
    #expect(report.clusters.zero > 0)
    try expectWritable(output, equals: input)
  }

  @Test("An A/B disk stores what both halves have only once")
  func abDiskStoresWhatBothHalvesHaveOnlyOnce() throws {
    try Ext4Image.makeABDisk(at: input, mebibytes: 32)
    let single = workspace.folder.file("single.img")
    try Ext4Image.make(at: single, mebibytes: 32, seed: 1)
    let one = try workspace.convert(from: single.string)
    let both = try workspace.convert(["--force"])
    try expectSound(output, equals: input)
    #expect(both.clusters.data > one.clusters.data * 3 / 2)
    #expect(both.clusters.unique < one.clusters.unique * 3 / 2)
    try expectWritable(output, equals: input)
  }

  @Test("An all-zero image has no data cluster", arguments: [1, 1 << 20, 5_000_000, 64 << 20])
  func allZeroImageHasNoDataCluster(size: Int) throws {
    try RawImage.equal(at: input, count: size, byte: 0)
    let report = try workspace.convert()
    let walker = try expectSound(output, equals: input)
    #expect(walker.mappings == [])
    #expect(report.clusters.data == 0)
    #expect(report.clusters.zero == report.clusters.total)
    #expect(report.clusters.total == UInt64((size + 4095) / 4096))
    try expectWritable(output, equals: input)
  }

  @Test(
    "An image of any size comes out whole, as large as QEMU makes it",
    arguments: [1, 511, 512, 513, 4095, 4096, 4097, 65_537, 1_234_567, 2_097_152, 2_101_249])
  func imageOfAnySizeComesOutWhole(size: Int) throws {
    try RawImage.write(RawImage.noise(count: size, seed: UInt64(size)), to: input)
    let report = try workspace.convert()
    let walker = try expectSound(output, equals: input)
    let theirs = try QemuImage.converting(
      raw: input, to: workspace.folder.file("theirs.qcow2"), format: "qcow2")
    #expect(walker.header.virtualSize == (try theirs.info().virtualSize))
    #expect(report.output.virtualSize == walker.header.virtualSize)
    #expect(walker.mappings.count == (size + 4095) / 4096)
  }

  @Test(
    "Every cluster size works",
    arguments: [
      ("512", 512), ("1K", 1024), ("2K", 2048), ("4K", 4096), ("8K", 8192), ("64K", 65536),
      ("256K", 262_144), ("1M", 1 << 20), ("2M", 2 << 20), ("65536", 65536), ("4k", 4096),
    ])
  func everyClusterSizeWorks(option: String, size: UInt64) throws {
    let bytes =
      RawImage.mixture(clusters: 1500, size: 4096, kinds: 60, seed: 11)
      + RawImage.mixture(clusters: 9, size: Int(size), kinds: 3, seed: 12)
      + RawImage.noise(count: 12_345, seed: 13)
    try RawImage.write(bytes, to: input)
    let report = try workspace.convert(["--cluster-size", option])
    let walker = try expectSound(output, equals: input)
    #expect(walker.header.clusterSize == size)
    #expect(try QemuImage(output).info().clusterSize == size)
    #expect(report.output.clusterSize == size)
  }

  @Test("The default cluster size is 4096")
  func defaultClusterSizeIs4096() throws {
    try RawImage.write(RawImage.noise(count: 70_000, seed: 2), to: input)
    try workspace.convert()
    #expect(try expectSound(output, equals: input).header.clusterSize == 4096)
  }

  @Test("Noise is stored cluster by cluster and nothing is shared")
  func noiseIsStoredClusterByClusterAndNothingIsShared() throws {
    try RawImage.write(RawImage.noise(count: 24 << 20, seed: 3), to: input)
    let report = try workspace.convert()
    let walker = try expectSound(output, equals: input)
    #expect(report.clusters.unique == 6144)
    #expect(report.clusters.duplicate == 0)
    #expect(Set(walker.mappings.map(\.host)).count == 6144)
    #expect(report.maxReferences == 1)
    try expectWritable(output, equals: input)
  }

  @Test("A sparse image of 1 TiB is read where it has data and nowhere else")
  func sparseImageOf1TiBIsReadWhereItHasDataAndNowhere() throws {
    var islands: [Int64: [UInt8]] = [:]
    for index in 0..<6 {
      let offset = Int64(index) * 43_945_312 * 4096
      islands[offset] = RawImage.noise(count: 300_000, seed: UInt64(index % 4))
    }
    try RawImage.sparse(at: input, size: 1 << 40, islands: islands)
    let report = try workspace.convert()
    let walker = try expectSound(output, equals: input)
    #expect(walker.header.virtualSize == 1 << 40)
    #expect(report.clusters.total == 1 << 28)
    #expect(report.clusters.unique == 4 * 74)
    #expect(report.clusters.duplicate == 2 * 74)
    let stored = try QemuImage(output).map().filter(\.data)
    #expect(stored.reduce(0) { $0 + $1.length } == 6 * 74 * 4096)
    try expectWritable(output, equals: input)
  }

  @Test("Guest offsets in the map are those of the input")
  func guestOffsetsInMapAreThoseOfInput() throws {
    let bytes = RawImage.mixture(clusters: 64, size: 4096, kinds: 2, seed: 14)
    try RawImage.write(bytes, to: input)
    try workspace.convert()
    let walker = try expectSound(output, equals: input)
    for mapping in walker.mappings {
      let start = Int(mapping.guest) * 4096
      #expect(try walker.cluster(at: mapping.host) == Array(bytes[start..<(start + 4096)]))
    }
    #expect(walker.mappings.isEmpty == false)
  }
}
