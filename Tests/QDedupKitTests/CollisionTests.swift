import DedupStore
import DiskIO
import QDedupKit
import Testing
import TestSupport

/// Digests that lie: what is equal to them may differ in its bytes.
@Suite struct CollisionTests {
  /// Nothing before the disk's data, so that no cluster could be at its own place in the file.
  private static let hole = [UInt8](repeating: 0, count: 5 << 20)

  @Test(
    "S34: a digest of the first byte alone costs room, never data",
    arguments: [1, 3], [1, 9])
  func firstByte(threads: Int, order: Int) throws {
    // So many zeros that most candidates have long been written.
    let disk = Disks.random(
      clusters: 3000, clusterSize: 4096, distinct: 400, zeroPercent: 70, seed: 1)
    var trial = try Trial(disk.bytes, threads: threads)
    trial.options.store.order = order
    trial.options.output.verifies = true
    if order == 1 { trial.tuning.keptTableBytes = 0 }
    trial.tuning.digest = { bytes in
      let byte = UInt64(bytes[0])
      return Digest(high: byte &* 0x9E37_79B9_7F4A_7C15, low: byte &* 0xBF58_476D_1CE4_E5B9)
    }
    let report = try trial.convertAndCompare()
    #expect(report.hashStore.collisions > 100)
    #expect(report.clusters.duplicate > 100)
    #expect(report.clusters.unique >= 350)
    if order == 1 { #expect(report.hashStore.incarnationHits > 100) }
    #expect(report.clusters.data == UInt64(disk.occurrences.reduce(0, +)))
  }

  @Test("S34: one digest for all, and no two clusters equal", arguments: [1, 2])
  func allCollide(threads: Int) throws {
    let count = 2100
    var trial = try Trial(
      Self.hole + Disks.unique(clusters: count, clusterSize: 4096), threads: threads)
    trial.tuning.digest = { _ in Digest(high: 5, low: 9) }
    let report = try trial.convertAndCompare()
    #expect(report.clusters.unique == UInt64(count))
    #expect(report.clusters.duplicate == 0)
    #expect(report.hashStore.collisions == UInt64(count) - 1)
    // The references that were counted for nothing have been taken back.
    #expect(report.maxReferences == 1)
  }

  @Test("S34: one digest for all still finds what equals the first cluster")
  func oneDigest() throws {
    let disk = Disks.random(
      clusters: 2100, clusterSize: 4096, distinct: 2, zeroPercent: 0, seed: 4)
    var trial = try Trial(Self.hole + disk.bytes)
    trial.tuning.digest = { _ in Digest(high: 0, low: 0) }
    let report = try trial.convertAndCompare()
    let first = try #require(disk.occurrences.max())
    let second = try #require(disk.occurrences.min())
    #expect([UInt64(first), UInt64(second)].contains(report.clusters.duplicate + 1))
    #expect(report.hashStore.collisions + report.clusters.duplicate + 1 == 2100)
    #expect(UInt64(report.maxReferences) == report.clusters.duplicate + 1)
  }

  @Test("S33 S34: collisions under a small cap of references", arguments: [1, 2, 3])
  func capped(cap: UInt32) throws {
    let disk = Disks.random(clusters: 2500, clusterSize: 4096, distinct: 100, seed: 6)
    var trial = try Trial(disk.bytes)
    trial.options.store.order = 2
    trial.tuning = ConversionTuning(maxReferences: cap)
    trial.tuning.digest = { Digest(high: UInt64($0[0] & 7), low: UInt64($0[0] & 1)) }
    let report = try trial.convertAndCompare()
    #expect(report.maxReferences <= cap)
    #expect(report.hashStore.referencesCapped > 0)
    #expect((report.hashStore.collisions > 0) == (cap > 1))
  }
}
