import DedupStore
import DiskImage
import Foundation
import Glibc
import QDedupKit
import SystemPackage
import TestSupport
import Testing

/// Whole conversions with real digests.
@Suite struct ConverterTests {
  @Test(
    "Sizes that are no multiple of a cluster convert and verify",
    arguments: [1, 511, 512, 513, 5120, 70_000, 300_001], [4096, 65_536])
  func sizes(byteCount: Int, clusterSize: Int) throws {
    var generator = SplitMix64(seed: 1)
    let disk = (0..<byteCount).map { _ in UInt8(truncatingIfNeeded: generator.next()) | 1 }
    var trial = try Trial(disk, clusterSize: clusterSize)
    trial.options.output.verifies = true
    let report = try trial.convertAndCompare()
    #expect(report.verified)
    #expect(report.input.fileSize == UInt64(byteCount))
    #expect(report.input.virtualSize == UInt64(byteCount + 511) & ~511)
    #expect(report.output.virtualSize == report.input.virtualSize)
    #expect(report.output.fileSize == UInt64(try trial.output().count))
    #expect(report.clusters.unique == UInt64((byteCount + clusterSize - 1) / clusterSize))
  }

  @Test("The report adds up")
  func report() throws {
    let disk = Disks.random(clusters: 1000, clusterSize: 4096, distinct: 50, seed: 2)
    let trial = try Trial(disk.bytes)
    let report = try trial.convertAndCompare()
    let data = disk.occurrences.reduce(0, +)
    #expect(report.clusters.total == 1000)
    #expect(report.clusters.zero == UInt64(1000 - data))
    #expect(report.clusters.unique == 50)
    #expect(report.clusters.duplicate == UInt64(data - 50))
    #expect(report.bytes.data == UInt64(data * 4096))
    #expect(report.bytes.written == 50 * 4096)
    #expect(report.bytes.savedByDedup == UInt64((data - 50) * 4096))
    #expect(report.ratios.dedup == Double(data) / 50)
    #expect(report.ratios.total == report.ratios.dedup)
    #expect(report.maxReferences == UInt32(disk.occurrences.max()!))
    #expect(report.output.refcountBits == 16)
    #expect(report.hashStore.lookups == UInt64(data))
    #expect(report.hashStore.logStoreHits + report.hashStore.incarnationHits == UInt64(data - 50))
    #expect(report.warnings.count == 1)
    #expect(!report.verified)
    #expect(trial.progress.phase == .done)
  }

  @Test("A disk of zeros takes no clusters, with and without holes", arguments: [true, false])
  func zeros(isSparse: Bool) throws {
    let trial = try Trial(isSparse ? [] : [UInt8](repeating: 0, count: 4 << 20))
    #expect(truncate(trial.scratch.file("disk.raw").string, 4 << 20) == 0)
    let report = try trial.convertAndCompare()
    #expect(report.clusters.zero == 1024)
    #expect(report.clusters.data == 0)
    #expect(report.ratios.dedup == 1)
    #expect(report.warnings.isEmpty)
  }

  @Test(
    "A file that is cut off while it is read is an error and leaves nothing", arguments: [1, 2])
  func shrinks(threads: Int) throws {
    let disk = Disks.unique(clusters: 2000, clusterSize: 4096)
    var trial = try Trial(disk, threads: threads)
    let path = trial.scratch.file("disk.raw").string
    trial.tuning.digest = { bytes in
      truncate(path, 4096)
      return .init(of: bytes)
    }
    let message = try trial.failure()
    #expect(message?.contains("became shorter while it was being read") == true)
  }

  @Test("An order that no store has is refused", arguments: [0, 32, -1])
  func order(order: Int) throws {
    var trial = try Trial([1])
    trial.options.store.order = order
    #expect(try trial.failure() != nil)
  }
}
