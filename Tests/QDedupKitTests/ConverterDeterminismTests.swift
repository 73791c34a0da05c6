import DedupStore
import DiskImage
import QDedupKit
import SystemPackage
import Testing
import TestSupport

/// The same bytes for any number of threads, and from a pipe.
@Suite struct ConverterDeterminismTests {
  /// A digest of few bits: most candidates differ in their bytes (S34).
  private static let poorDigest = { @Sendable (bytes: UnsafeRawBufferPointer) in
    Digest(high: UInt64(bytes[0]) << 32, low: UInt64(bytes[1] & 3) << 32)
  }

  @Test(
    "Threads do not show in the output", arguments: [512, 4096, 65_536], [false, true])
  func threads(clusterSize: Int, hasCollisions: Bool) throws {
    let disk = Disks.random(
      clusters: (10 << 20) / clusterSize, clusterSize: clusterSize,
      distinct: (2 << 20) / clusterSize, zeroPercent: 30, seed: 3)
    var first = try Trial(disk.bytes, clusterSize: clusterSize, threads: 1)
    first.options.store.order = 3
    if hasCollisions { first.tuning.digest = Self.poorDigest }
    let expected = try first.convertAndCompare()
    #expect((expected.hashStore.collisions > 0) == hasCollisions)
    for threads in [2, 7] {
      var other = try Trial(disk.bytes, clusterSize: clusterSize, threads: threads)
      other.options.store.order = 3
      other.tuning = first.tuning
      let report = try other.convert()
      #expect(try other.output() == first.output())
      #expect(report.clusters == expected.clusters)
      #expect(report.hashStore == expected.hashStore)
    }
  }

  @Test("A pipe gives the same disk as a file, with the L1 table at the end", arguments: [1, 3])
  func pipe(threads: Int) throws {
    let disk = Disks.random(clusters: 2000, clusterSize: 4096, distinct: 500, seed: 5).bytes
    var file = try Trial(disk)
    file.options.store.order = 6
    _ = try file.convertAndCompare()
    var pipe = try Trial(disk, threads: threads)
    let name = pipe.scratch.file("pipe")
    try TestPipe.make(named: name, delivering: disk)
    pipe.options.input.source = .file(name)
    pipe.options.store.order = 6
    let report = try pipe.convertAndCompare()
    #expect(try pipe.output().count == file.output().count)
    #expect(try pipe.output() != file.output())
    #expect(report.input.virtualSize == UInt64(disk.count))
  }
}
