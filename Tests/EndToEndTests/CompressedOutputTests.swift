import SystemPackage
import TestSupport
import Testing

/// Images of every kind come out whole with `-c`, and smaller.
@Suite struct CompressedOutputTests {
  let workspace: Workspace
  var input: FilePath { workspace.input }
  var output: FilePath { workspace.output }

  init() throws { workspace = try Workspace() }

  /// Converts with and without compression, which must share the same clusters.
  private func convertBoth(
    _ type: String, _ options: String..., sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> (compressed: Report, plain: Report) {
    let compressed = try workspace.convert(CompressedImage.options(type) + options)
    try expectCompressed(output, equals: input, with: type, sourceLocation: sourceLocation)
    let plain = try workspace.convert(options, to: workspace.folder.file("plain.qcow2"))
    #expect(compressed.clusters.total == plain.clusters.total, sourceLocation: sourceLocation)
    #expect(compressed.clusters.unique == plain.clusters.unique, sourceLocation: sourceLocation)
    #expect(
      compressed.clusters.duplicate == plain.clusters.duplicate, sourceLocation: sourceLocation)
    return (compressed, plain)
  }

  @Test(
    "A file system comes out whole, shared as without compression, and smaller",
    arguments: CompressedImage.types)
  func fileSystemComesOutWhole(
    type: String
  ) throws {
    try Ext4Image.make(at: input, mebibytes: 40, seed: 1)
    let (compressed, plain) = try convertBoth(type)
    #expect(compressed.clusters.duplicate > 0)
    #expect(compressed.output.fileSize < plain.output.fileSize * 9 / 10)
  }

  @Test("An A/B disk stores what both halves have only once", arguments: CompressedImage.types)
  func abDiskStoresWhatBothHalvesHaveOnlyOnce(type: String) throws {
    try Ext4Image.makeABDisk(at: input, mebibytes: 32)
    let (compressed, plain) = try convertBoth(type)
    #expect(compressed.clusters.unique < compressed.clusters.data * 3 / 4)
    #expect(compressed.output.fileSize < plain.output.fileSize * 9 / 10)
  }

  @Test(
    "Noise becomes compressed clusters too, and hardly larger", arguments: CompressedImage.types)
  func noiseBecomesCompressedClustersToo(type: String) throws {
    try RawImage.write(RawImage.noise(count: 8 << 20, seed: 3), to: input)
    let (compressed, plain) = try convertBoth(type)
    #expect(compressed.clusters.unique == 2048)
    #expect(compressed.output.fileSize < plain.output.fileSize * 102 / 100)
  }

  @Test(
    "Equal clusters share one compressed one, however many there are",
    arguments: CompressedImage.types)
  func equalClustersShareOneCompressedOne(type: String) throws {
    try RawImage.equal(at: input, count: 70_000 * 1024, byte: 0xa5)
    let compressed = try workspace.convert(CompressedImage.options(type, "--cluster-size", "1K"))
    try expectCompressed(output, equals: input, with: type)
    let walker = try QCOW2Walker.walked(output)
    #expect(compressed.clusters.unique == 1)
    #expect(compressed.maxReferences == 70_000)
    #expect(compressed.output.refcountBits == 32)
    #expect(Set(walker.mappings.map(\.entry)).count == 1)
    #expect(walker.refcounts.max() == 70_000)
  }

  @Test("Many small pieces of data share a host cluster", arguments: CompressedImage.types)
  func manySmallPiecesOfDataShareHostCluster(type: String) throws {
    var bytes: [UInt8] = []
    for number in 1...400 as ClosedRange<UInt64> {
      bytes += RawImage.noise(count: 24, seed: number) + [UInt8](repeating: 0, count: 65_512)
    }
    try RawImage.write(bytes, to: input)
    let (compressed, _) = try convertBoth(type, "--cluster-size", "64K")
    #expect(compressed.clusters.unique == 400)
    #expect(try QCOW2Walker.walked(output).refcounts.max() == 400)
  }

  @Test(
    "An image of any size comes out whole",
    arguments: [1, 511, 512, 513, 4095, 4097, 65_537, 1_234_567, 2_101_249],
    CompressedImage.types)
  func imageOfAnySizeComesOutWhole(size: Int, type: String) throws {
    let bytes = RawImage.mixtureWithTexts(clusters: size / 4096, size: 4096, seed: 4)
    try RawImage.write(bytes + RawImage.noise(count: size % 4096, seed: 5), to: input)
    _ = try convertBoth(type)
    #expect(try QCOW2Walker(output).header.virtualSize == UInt64((size + 511) / 512 * 512))
  }

  @Test("An image without data has no compressed cluster", arguments: CompressedImage.types)
  func imageWithoutDataHasNoCompressedCluster(type: String) throws {
    try RawImage.sparse(at: input, size: 5_000_000)
    let (compressed, _) = try convertBoth(type)
    #expect(compressed.clusters.data == 0)
    #expect(try QCOW2Walker.walked(output).mappings == [])
  }

  @Test("A sparse image of 1 TiB comes out whole", arguments: CompressedImage.types)
  func sparseImageOf1TiBComesOutWhole(type: String) throws {
    let data = RawImage.mixtureWithTexts(clusters: 70, size: 4096, seed: 6)
    let far = Int64(1 << 40) - Int64(data.count)
    try RawImage.sparse(
      at: input, size: 1 << 40, islands: [0: data, 5_000_000_000 / 4096 * 4096: data, far: data])
    let (compressed, _) = try convertBoth(type)
    #expect(compressed.clusters.duplicate * 2 >= compressed.clusters.unique * 3)
  }

  @Test("Every cluster size works", arguments: 9...21, CompressedImage.types)
  func everyClusterSizeWorks(bits: Int, type: String) throws {
    let bytes =
      RawImage.mixtureWithTexts(clusters: 300, size: 4096, seed: 11)
      + RawImage.mixtureWithTexts(clusters: 7, size: 1 << bits, seed: 12)
      + RawImage.noise(count: 12_345, seed: 13)
    try RawImage.write(bytes, to: input)
    let (compressed, plain) = try convertBoth(type, "--cluster-size", "\(1 << bits)")
    #expect(try QCOW2Walker(output).header.clusterBits == UInt64(bits))
    #expect(compressed.bytes.written < plain.bytes.written)
  }

  @Test(
    "Every level gives a sound image, and a higher one no larger data",
    arguments: [("zlib", "1"), ("zlib", "9"), ("zstd", "1"), ("zstd", "19")])
  func everyLevelGivesSoundImage(
    type: String, level: String
  ) throws {
    try RawImage.write(RawImage.mixtureWithTexts(clusters: 900, size: 4096, seed: 14), to: input)
    let options = CompressedImage.options(type, "--compression-level", level)
    let written = try workspace.convert(options).bytes.written
    try expectCompressed(output, equals: input, with: type)
    let standard = try workspace.convert(
      CompressedImage.options(type), to: workspace.folder.file("standard.qcow2"))
    #expect(level == "1" ? written >= standard.bytes.written : written <= standard.bytes.written)
  }

  @Test("zlib is the type that -c alone means")
  func zlibIsTypeThatCAloneMeans() throws {
    try RawImage.write(RawImage.mixtureWithTexts(clusters: 200, size: 4096, seed: 15), to: input)
    try workspace.convert(["-c", "--cluster-size", "4K"])
    try expectCompressed(output, equals: input, with: "zlib")
    let named = workspace.folder.file("named.qcow2")
    try workspace.convert(
      ["--compress", "--cluster-size", "4K", "--compression-level", "6"], to: named)
    #expect(try RawImage.read(named) == RawImage.read(output))
  }
}
