import DedupStore
import DiskIO
import QCOW2
import QDedupKit
import Testing
import TestSupport

/// The lookups that a check of a store makes.
@Suite struct LookupCheckTests {
  let trial: Trial
  let image: SavedImage
  let incarnation: HostOffset

  /// 3,000 clusters in incarnations of 32 slots.
  init() throws {
    var trial = try Trial(Disks.unique(clusters: 3000, clusterSize: 512), clusterSize: 512)
    trial.options.store.order = 3
    trial.options.store.maxIncarnations = 0
    _ = try trial.convert()
    self.trial = trial
    image = try SavedImage(trial)
    incarnation = HostOffset(try #require(image.saved.dump?.incarnations[1].bytes))
  }

  private func entry(_ digest: Digest) -> StoreEntry {
    StoreEntry(digest: digest, physicalSector: 1, firstLogicalSector: 0)
  }

  private var digests: [Digest] {
    image.clusters(of: Disks.unique(clusters: 3000, clusterSize: 512)).keys
      .sorted { $0.high < $1.high }
  }

  @Test("What a lookup finds is counted, what it does not find is a problem")
  func misses() throws {
    let check = try #require(try LookupCheck(image.saved, image.file))
    var report = CheckReport.HashStore(state: .valid)
    for digest in digests {
      try check.check(entry(digest), at: incarnation, slot: 3, &report)
    }
    #expect(report.state == .valid)
    try check.check(entry(Digest(high: 1, low: 2)), at: incarnation, slot: 7, &report)
    check.finish(besides: [], &report)
    #expect(check.note == nil && report.lookups == 3001)
    #expect(
      report.problems == [
        """
        the incarnation at byte \(incarnation.bytes), slot 7: a lookup of the digest \
        00000000000000010000000000000002 does not find it
        """
      ])
  }

  @Test("A skipped incarnation is one problem", arguments: [true, false])
  func passedOver(isKnown: Bool) throws {
    var bytes = try trial.output()
    bytes[Int(incarnation.bytes)] ^= 1
    _ = try trial.scratch.make("disk.qcow2", bytes)
    let changed = try SavedImage(trial)
    let check = try #require(try LookupCheck(changed.saved, changed.file))
    var report = CheckReport.HashStore(state: .valid)
    for digest in digests {
      // Those that are not found may all be in it.
      try check.check(entry(digest), at: incarnation, slot: 3, &report)
    }
    #expect(report.problemCount == 0)
    check.finish(besides: isKnown ? [incarnation] : [], &report)
    #expect(report.problemCount == (isKnown ? 0 : 1) && report.lookups == 3000)
    #expect(report.problems.allSatisfy { $0.contains("is skipped: the incarnation filter") })
  }

  @Test("Lookups end when they read too much in vain, and always at the same place")
  func inVain() throws {
    var notes: Set<String> = []
    let digests = digests
    // Tags of 3 bits: in nearly every incarnation one matches.
    for _ in 0..<5 {
      let check = try #require(try LookupCheck(image.saved, image.file, mostReadsInVain: 2000))
      var report = CheckReport.HashStore(state: .valid)
      for digest in digests {
        try check.check(entry(digest), at: incarnation, slot: 3, &report)
      }
      check.finish(besides: [], &report)
      #expect(report.problemCount == 0 && report.lookups == nil)
      notes.insert(try #require(check.note))
    }
    #expect(notes.count == 1 && notes.first?.contains("buckets in vain") == true, "\(notes)")
  }

  @Test("A check that goes away while filters load leaves no thread with the file")
  func goesAway() throws {
    for _ in 0..<20 {
      weak var file: ImageFile?
      do {
        let image = try SavedImage(trial)
        file = image.file
        _ = try #require(try LookupCheck(image.saved, image.file))
        _ = try image.open()
      }
      #expect(file == nil)
    }
  }
}
