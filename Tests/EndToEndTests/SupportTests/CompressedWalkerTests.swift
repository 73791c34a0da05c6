import SystemPackage
import TestSupport
import Testing

/// The tests' own reader agrees with QEMU about compressed clusters, and sees what is wrong.
@Suite struct CompressedWalkerTests {
  let folder: TemporaryDirectory
  let raw: FilePath
  let image: FilePath

  init() throws {
    folder = try TemporaryDirectory()
    raw = folder.file("in.img")
    image = folder.file("image.qcow2")
    try RawImage.write(RawImage.mixtureWithTexts(clusters: 80, size: 4096, seed: 2), to: raw)
  }

  private func make(_ type: String, clusterSize: Int = 4096) throws {
    try QemuImage.run([
      "convert", "-f", "raw", "-O", "qcow2", "-c", "-o",
      "cluster_size=\(clusterSize),compression_type=\(type)", raw.string, image.string,
    ]).expectingExit(0)
  }

  /// The place in the file of the L2 entry of the first guest cluster that is compressed, and the
  /// entry.
  private func firstDescriptor() throws -> (offset: UInt64, entry: UInt64) {
    let walker = try QCOW2Walker.walked(image)
    let mapping = try #require(walker.mappings.first { $0.isCompressed })
    func number(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
    let l1 = number(try walker.cluster(at: walker.header.l1Offset)[..<8])
    return (l1 & 0x00ff_ffff_ffff_fe00 + mapping.guest * 8, mapping.entry)
  }

  /// Sets 8 bytes of the image.
  private func patch(_ value: UInt64, at offset: UInt64) throws {
    let file = try FileDescriptor.open(image, .readWrite)
    try file.closeAfter {
      _ = try withUnsafeBytes(of: value.bigEndian) {
        try file.writeAll(toAbsoluteOffset: Int64(offset), $0)
      }
    }
  }

  @Test(
    "The content of an image by QEMU is read right", arguments: CompressedImage.types,
    [512, 4096, 65_536])
  func contentOfImageByQEMUIsReadRight(type: String, clusterSize: Int) throws {
    try make(type, clusterSize: clusterSize)
    let walker = try QCOW2Walker.walked(image)
    let bytes = try RawImage.read(raw)
    #expect(walker.header.compressionType == (type == "zstd" ? 1 : 0))
    #expect(walker.mappings.contains { $0.isCompressed })
    for mapping in walker.mappings {
      let start = Int(mapping.guest) * clusterSize
      #expect(try walker.content(of: mapping) == Array(bytes[start..<start + clusterSize]))
    }
    #expect(walker.problems == [])
  }

  @Test("COPIED on a compressed cluster is seen")
  func copiedOnCompressedClusterIsSeen() throws {
    try make("zlib")
    let (offset, entry) = try firstDescriptor()
    try patch(entry | 1 << 63, at: offset)
    #expect(try QCOW2Walker.walked(image).problems.first?.contains("has COPIED") ?? false)
  }

  @Test("A descriptor that touches one more cluster than is counted is seen")
  func descriptorThatTouchesOneMoreClusterThanIsCounted() throws {
    try make("zlib")
    let (offset, entry) = try firstDescriptor()
    // Eight sectors more reach into another host cluster.
    try patch(entry + 8 << 58, at: offset)
    let problems = try QCOW2Walker.walked(image).problems
    #expect(problems.contains { $0.contains("refcount") }, "\(problems)")
    #expect(try QemuImage(image).check().exitCode != 0)
  }

  @Test("A descriptor that leads out of the file is seen")
  func descriptorThatLeadsOutOfFileIsSeen() throws {
    try make("zstd")
    let (offset, _) = try firstDescriptor()
    try patch(1 << 62 | 1 << 40, at: offset)
    #expect(try QCOW2Walker.walked(image).problems.first?.contains("leads to bytes") ?? false)
  }

  @Test("Damaged data is seen")
  func damagedDataIsSeen() throws {
    try make("zlib")
    let mapping = try #require(try QCOW2Walker.walked(image).mappings.first { $0.isCompressed })
    try patch(.max, at: mapping.host)
    #expect(throws: TestSupportError.self) { try QCOW2Walker(image).content(of: mapping) }
  }

  @Test("A compression type without its feature bit is seen")
  func compressionTypeWithoutItsFeatureBitIsSeen() throws {
    try make("zstd")
    try patch(0, at: 72)
    #expect(try QCOW2Walker(image).problems.first?.contains("compression type 1") ?? false)
  }

  @Test("A compressed cluster that the hash store names wrongly is seen")
  func compressedClusterThatHashStoreNamesWronglyIsSeen() throws {
    let output = folder.file("ours.qcow2")
    try Command.qdedup(["convert", "-c", "--cluster-size", "4K", raw.string, output.string]).run()
      .expectingExit(0)
    let walker = try QCOW2Walker.walked(output)
    let store = try #require(try WalkedStore.of(walker))
    #expect(store.problems == [])
    let places = Set(walker.mappings.map(\.entry))
    let named = Set(store.incarnations.flatMap(\.entries).map(\.place))
    #expect(named == places)
    let mapping = try #require(walker.mappings.first)
    let file = try FileDescriptor.open(output, .readWrite)
    try file.closeAfter { _ = try file.writeAll(toAbsoluteOffset: Int64(mapping.host), [0xff]) }
    #expect(throws: TestSupportError.self) {
      try WalkedStore.of(QCOW2Walker.walked(output))
    }
  }
}
