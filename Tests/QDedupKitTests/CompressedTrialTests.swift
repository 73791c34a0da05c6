import DedupStore
import QCOW2
import QDedupKit
import Testing
import TestSupport

/// Collisions and capped references in compressed images.
@Suite struct CompressedTrialTests {
  /// The disk with all but the first bytes of each cluster set to zero, so that several fit a host
  /// cluster; every third cluster stays as it is and fits none.
  private func thinned(_ disk: [UInt8]) -> [UInt8] {
    var disk = disk
    for start in stride(from: 0, to: disk.count, by: 4096) where disk[start] % 3 != 0 {
      for index in start + 300..<start + 4096 { disk[index] = 0 }
    }
    return disk
  }

  private func trial(
    _ disk: [UInt8], _ method: Compression.Method, threads: Int = 2
  ) throws -> Trial {
    var trial = try Trial(disk, threads: threads)
    trial.options.output.compression = Compression(method)
    trial.options.output.verifies = true
    return trial
  }

  @Test(
    "S34: a digest of the first byte alone costs room, never data",
    arguments: Compression.Method.allCases, [1, 9])
  func firstByte(method: Compression.Method, order: Int) throws {
    let disk = Disks.random(
      clusters: 3000, clusterSize: 4096, distinct: 400, zeroPercent: 70, seed: 1)
    for threads in [1, 3] {
      var trial = try trial(thinned(disk.bytes), method, threads: threads)
      trial.options.store.order = order
      trial.tuning.digest = { bytes in
        let byte = UInt64(bytes[0])
        return Digest(high: byte &* 0x9E37_79B9_7F4A_7C15, low: byte &* 0xBF58_476D_1CE4_E5B9)
      }
      let report = try trial.convertAndCompare()
      #expect(report.hashStore.collisions > 100)
      #expect(report.clusters.duplicate > 100)
      #expect(report.clusters.unique >= 350)
      #expect(report.clusters.data == UInt64(disk.occurrences.reduce(0, +)))
    }
  }

  @Test(
    "S34: one digest for all, and no two clusters equal", arguments: Compression.Method.allCases)
  func allCollide(method: Compression.Method) throws {
    let disk = thinned(Disks.unique(clusters: 2100, clusterSize: 4096))
    var trial = try trial(disk, method)
    trial.tuning.digest = { _ in Digest(high: 5, low: 9) }
    let report = try trial.convertAndCompare()
    #expect(report.clusters.unique == 2100)
    #expect(report.clusters.duplicate == 0)
    #expect(report.hashStore.collisions == 2099)
  }

  @Test(
    "S33 S34: collisions under a small cap of references",
    arguments: Compression.Method.allCases, [1, 2, 3, 7] as [UInt32])
  func cappedCollisions(method: Compression.Method, cap: UInt32) throws {
    let disk = Disks.random(clusters: 2500, clusterSize: 4096, distinct: 100, seed: 6)
    var trial = try trial(thinned(disk.bytes), method)
    trial.options.store.order = 2
    trial.tuning = ConversionTuning(maxReferences: cap)
    trial.tuning.digest = { Digest(high: UInt64($0[0] & 7), low: UInt64($0[0] & 1)) }
    let report = try trial.convertAndCompare()
    #expect(report.maxReferences <= cap)
    #expect(report.hashStore.referencesCapped > 0)
    #expect((report.hashStore.collisions > 0) == (cap > 1))
  }

  @Test(
    "S33: equal clusters share copies of at most the cap",
    arguments: Compression.Method.allCases, [1, 2, 3, 7, 2000] as [UInt32])
  func allEqual(method: Compression.Method, cap: UInt32) throws {
    let count = 2100
    var trial = try trial([UInt8](repeating: 7, count: count * 4096), method)
    trial.tuning = ConversionTuning(maxReferences: cap)
    let report = try trial.convertAndCompare()
    #expect(report.clusters.unique == UInt64((count + Int(cap) - 1) / Int(cap)))
    #expect(report.maxReferences == cap)
  }

  @Test(
    "S33: no host cluster has more references than the cap, whatever shares it",
    arguments: Compression.Method.allCases, [1, 2, 3, 7] as [UInt32])
  func random(method: Compression.Method, cap: UInt32) throws {
    for order in [1, 4, 12] {
      let disk = Disks.random(
        clusters: 3000, clusterSize: 4096, distinct: 200, zeroPercent: 70,
        seed: UInt64(cap) << 8 + UInt64(order))
      var trial = try trial(thinned(disk.bytes), method)
      trial.options.store.order = order
      trial.options.store.maxIncarnations = 0
      trial.tuning = ConversionTuning(maxReferences: cap)
      let report = try trial.convertAndCompare()
      // Others may use up the references of a host cluster, so there may be more copies.
      let copies = disk.occurrences.map { ($0 + Int(cap) - 1) / Int(cap) }
      #expect(report.clusters.unique >= UInt64(copies.reduce(0, +)))
      #expect(report.maxReferences == cap)
      if cap == 1 { #expect(report.clusters.duplicate == 0) }
    }
  }
}
