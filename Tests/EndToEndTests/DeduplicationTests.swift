import SystemPackage
import TestSupport
import Testing

/// Exactly the equal clusters are shared.
@Suite struct DeduplicationTests {
  let workspace: Workspace
  var input: FilePath { workspace.input }
  var output: FilePath { workspace.output }

  /// The area in which clusters have no copy at their own place, and more.
  private static let hole = 5 << 20

  init() throws { workspace = try Workspace() }

  /// Converts the input after a hole, so that no cluster could be at its own place in the file,
  /// which would give it a copy.
  private func expectExactSharing(
    clusterSize: Int, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let bytes = [UInt8](repeating: 0, count: Self.hole) + (try RawImage.read(input))
    try RawImage.write(bytes, to: input)
    let counts = RawImage.occurrences(in: bytes, clusterSize: clusterSize)
    let report = try workspace.convert(["--cluster-size", "\(clusterSize)", "--hash-store"])
    let walker = try expectSound(output, equals: input, sourceLocation: sourceLocation)
    let total = UInt64((bytes.count + clusterSize - 1) / clusterSize)
    let data = counts.values.reduce(0, +)
    #expect(report.clusters.unique == counts.count, sourceLocation: sourceLocation)
    #expect(report.clusters.data == data, sourceLocation: sourceLocation)
    #expect(report.clusters.total == total, sourceLocation: sourceLocation)
    #expect(report.maxReferences == counts.values.max() ?? 0, sourceLocation: sourceLocation)
    #expect(report.hashStore.collisions == 0, sourceLocation: sourceLocation)
    let hosts = Set(walker.mappings.map(\.host))
    #expect(hosts.count == counts.count, sourceLocation: sourceLocation)
    #expect(walker.mappings.count == Int(data), sourceLocation: sourceLocation)
    let store = try #require(try WalkedStore.of(walker), sourceLocation: sourceLocation)
    #expect(store.entries == counts.count, sourceLocation: sourceLocation)
  }

  @Test(
    "Of each distinct cluster of a file system exactly one is stored",
    arguments: [512, 4096, 65536])
  func ofEachDistinctClusterOfFileSystemExactlyOne(size: Int) throws {
    try Ext4Image.make(at: input, mebibytes: 24, seed: 3)
    try expectExactSharing(clusterSize: size)
  }

  @Test(
    "Of each distinct cluster of a mixture exactly one is stored", arguments: [512, 2048, 4096])
  func ofEachDistinctClusterOfMixtureExactlyOneIsStored(size: Int) throws {
    let mixture = RawImage.mixture(clusters: 6000, size: size, kinds: 900, seed: 21)
    try RawImage.write(mixture + RawImage.noise(count: size / 2, seed: 5), to: input)
    try expectExactSharing(clusterSize: size)
  }

  @Test("A last cluster cut short equals one that goes on with zeros")
  func lastClusterCutShortEqualsOneThatGoesOnWithZeros() throws {
    let start = RawImage.noise(count: 1000, seed: 6)
    let zeros = [UInt8](repeating: 0, count: 3096)
    try RawImage.write(start + zeros + start, to: input)
    try expectExactSharing(clusterSize: 4096)
    #expect(try QCOW2Walker(output).header.virtualSize == UInt64(Self.hole) + 5120)
  }

  @Test("Clusters that differ in their last bit only are not shared")
  func clustersThatDifferInTheirLastBitOnlyAreNotShared() throws {
    let first = RawImage.noise(count: 4096, seed: 7)
    var second = first
    second[4095] ^= 1
    try RawImage.write(first + second + first + second, to: input)
    try expectExactSharing(clusterSize: 4096)
    #expect(try expectSound(output, equals: input).refcounts.filter { $0 == 2 }.count == 2)
  }
}
