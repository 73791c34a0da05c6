import SystemPackage
import TestSupport
import Testing

/// The tests' own reader of qcow2 agrees with QEMU, and sees what is wrong.
@Suite struct WalkerTests {
  let folder: TemporaryDirectory
  let raw: FilePath
  let image: FilePath

  init() throws {
    folder = try TemporaryDirectory()
    raw = folder.file("in.img")
    image = folder.file("image.qcow2")
    let noise = RawImage.noise(count: 300_000, seed: 1)
    try RawImage.sparse(at: raw, size: 9_000_448, islands: [0: noise, 5_000_000: noise])
    try QemuImage.run([
      "convert", "-f", "raw", "-O", "qcow2", "-o", "cluster_size=4096", raw.string, image.string,
    ]).expectingExit(0)
  }

  private func walked() throws -> QCOW2Walker {
    var walker = try QCOW2Walker(image)
    try walker.walk()
    return walker
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

  @Test("An image by QEMU has no problems and its clusters are in place")
  func imageByQEMUHasNoProblemsAndItsClustersAreInPlace() throws {
    let walker = try walked()
    #expect(walker.problems == [])
    #expect(walker.header.virtualSize == 9_000_448)
    #expect(walker.header.clusterSize == 4096)
    #expect(try WalkedStore.of(walker) == nil)
    let bytes = try RawImage.read(raw) + [UInt8](repeating: 0, count: 4096)
    for mapping in walker.mappings {
      let start = Int(mapping.guest) * 4096
      #expect(try walker.cluster(at: mapping.host) == Array(bytes[start..<(start + 4096)]))
    }
    let stored = try QemuImage(image).map().filter(\.data).reduce(0) { $0 + $1.length }
    #expect(UInt64(walker.mappings.count) == (stored + 4095) / 4096)
  }

  @Test("The feature names that QEMU writes are read")
  func featureNamesThatQEMUWritesAreRead() throws {
    let other = folder.file("other.qcow2")
    _ = try QemuImage.converting(raw: raw, to: other, format: "qcow2")
    let names = try QCOW2Walker(other).featureNames
    #expect(names.contains(WalkedFeatureName(kind: 0, bit: 0, name: "dirty bit")))
    #expect(names.contains(WalkedFeatureName(kind: 1, bit: 0, name: "lazy refcounts")))
  }

  @Test("A COPIED flag that is missing is seen")
  func copiedFlagThatIsMissingIsSeen() throws {
    let table = try l1Entry() & 0x00ff_ffff_ffff_fe00
    let file = try walked()
    let entry = try file.cluster(at: table)[..<8].reduce(0) { $0 << 8 | UInt64($1) }
    #expect(entry >> 63 == 1)
    try patch(entry & ~(1 << 63), at: table)
    #expect(try walked().problems.first?.contains("COPIED is 0, the refcount is 1") ?? false)
    #expect(try QemuImage(image).check().exitCode == 2)
  }

  @Test("Clusters that lose their reference are seen")
  func clustersThatLoseTheirReferenceAreSeen() throws {
    let table = try l1Entry() & 0x00ff_ffff_ffff_fe00
    try patch(0, at: table)
    #expect(try walked().problems.first?.hasSuffix("refcount 1, references 0") ?? false)
    #expect(try QemuImage(image).check().exitCode == 3)
  }

  @Test("Two references to a cluster that counts one are seen")
  func twoReferencesToClusterThatCountsOneAreSeen() throws {
    let table = try l1Entry() & 0x00ff_ffff_ffff_fe00
    let entry = try walked().cluster(at: table)[..<8].reduce(0) { $0 << 8 | UInt64($1) }
    try patch(entry, at: table + 8)
    let problems = try walked().problems
    #expect(problems.contains { $0.hasSuffix("refcount 1, references 2") }, "\(problems)")
  }

  @Test("An autoclear bit for a store and a snapshot are seen")
  func autoclearBitForStoreAndSnapshotAreSeen() throws {
    try patch(1 << 63, at: 88)
    #expect(try walked().header.hashStoreIsValid)
    try QemuImage.run(["snapshot", "-c", "one", image.string]).expectingExit(0)
    #expect(try walked().header.hashStoreIsValid == false)
    #expect(try walked().problems.contains { $0.contains("snapshots") })
  }

  private func l1Entry() throws -> UInt64 {
    let walker = try QCOW2Walker(image)
    return try walker.cluster(at: walker.header.l1Offset)[..<8].reduce(0) { $0 << 8 | UInt64($1) }
  }
}
