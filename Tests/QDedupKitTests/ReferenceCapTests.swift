import QDedupKit
import Testing
import TestSupport

/// A cap on the references of a host cluster.
@Suite struct ReferenceCapTests {
  /// Nothing before the disk's data, so that no cluster could be at its own place in the file.
  private static let hole = [UInt8](repeating: 0, count: 5 << 20)

  @Test("S33: equal clusters share copies of at most the cap", arguments: [1, 2, 3, 7, 2000])
  func allEqual(cap: UInt32) throws {
    let count = 2100
    var trial = try Trial(Self.hole + [UInt8](repeating: 7, count: count * 4096))
    trial.tuning = ConversionTuning(maxReferences: cap)
    let report = try trial.convertAndCompare()
    let copies = UInt64((count + Int(cap) - 1) / Int(cap))
    #expect(report.clusters.unique == copies)
    #expect(report.hashStore.referencesCapped == copies - 1)
    #expect(report.maxReferences == cap)
  }

  @Test("A cluster that would be at its own place in the file is stored once more, and only it")
  func ownPlace() throws {
    let trial = try Trial([UInt8](repeating: 7, count: 2100 * 4096))
    let report = try trial.convertAndCompare()
    #expect(report.clusters.unique == 2)
    #expect(report.hashStore.collisions == 0)
  }

  @Test(
    "S33: random clusters, whether the copy is in the log store, a kept table or on disk",
    arguments: [1, 2, 3, 7] as [UInt32], [3, 4, 12])
  func random(cap: UInt32, order: Int) throws {
    // So many zeros that equal clusters are far apart.
    let disk = Disks.random(
      clusters: 3000, clusterSize: 4096, distinct: 200, zeroPercent: 70,
      seed: UInt64(cap) << 8 + UInt64(order))
    var trial = try Trial(Self.hole + disk.bytes)
    trial.options.store.order = order
    trial.options.store.maxIncarnations = 0
    trial.tuning = ConversionTuning(maxReferences: cap)
    if order == 3 { trial.tuning.keptTableBytes = 0 }
    let report = try trial.convertAndCompare()
    // Nothing is forgotten, so each content has as few copies as the cap allows.
    let copies = disk.occurrences.map { ($0 + Int(cap) - 1) / Int(cap) }
    #expect(report.clusters.unique == UInt64(copies.reduce(0, +)))
    #expect(report.hashStore.referencesCapped == UInt64(copies.map { max(0, $0 - 1) }.reduce(0, +)))
    #expect(report.maxReferences == cap)
    #expect(report.hashStore.logStoreHits + report.hashStore.incarnationHits > 100)
    if order == 3 { #expect(report.hashStore.incarnationHits > 50) }
  }
}
