import QDedupKit
import Testing
import TestSupport

/// Stores so small that they freeze and forget all the time.
@Suite struct SmallStoreTests {
  @Test("Whatever is forgotten, the disk is right", arguments: [1, 2, 3], [1, 2, 5])
  func forgets(order: Int, maxIncarnations: UInt32) throws {
    let disk = Disks.random(
      clusters: 3000, clusterSize: 4096, distinct: 700, seed: UInt64(order))
    var trial = try Trial(disk.bytes)
    trial.options.store.order = order
    trial.options.store.maxIncarnations = maxIncarnations
    let report = try trial.convertAndCompare()
    #expect(report.clusters.unique >= 700)
    #expect(report.hashStore.forgotten > 0)
    #expect(report.hashStore.limboReuses > 0)
    #expect(report.hashStore.incarnations == UInt64(maxIncarnations))
    #expect(report.hashStore.present)
  }

  @Test("A store without a limit finds every duplicate", arguments: [3, 5], [true, false])
  func remembers(order: Int, keepsHashStore: Bool) throws {
    let disk = Disks.random(clusters: 3000, clusterSize: 4096, distinct: 700, seed: 9)
    var trial = try Trial(disk.bytes)
    trial.options.store.order = order
    trial.options.store.maxIncarnations = 0
    trial.options.store.isKept = keepsHashStore
    // With order 3, all hits in incarnations are read from the storage.
    if order == 3 { trial.tuning.keptTableBytes = 0 }
    let report = try trial.convertAndCompare()
    #expect(report.clusters.unique == UInt64(disk.occurrences.count { $0 > 0 }))
    #expect(report.hashStore.collisions == 0)
    #expect(report.hashStore.forgotten == 0)
    #expect(report.hashStore.incarnationHits > 100)
    #expect(report.hashStore.present == keepsHashStore)
  }

  @Test("A dump that does not fit the first cluster goes out of line", arguments: [512, 4096])
  func dumpOutOfLine(clusterSize: Int) throws {
    let disk = Disks.unique(clusters: 6000, clusterSize: clusterSize)
    var trial = try Trial(disk, clusterSize: clusterSize)
    trial.options.store.order = 1
    trial.options.store.maxIncarnations = 0
    let report = try trial.convertAndCompare()
    #expect(report.hashStore.incarnations > 512)
  }
}
