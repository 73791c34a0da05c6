import QCOW2
import TestSupport
import Testing

/// Counts against a dictionary.
@Suite struct ReferenceCountsTests {
  /// Few clusters, so that each changes often; around the ends of the 64 KiB pages.
  private static let nearClusters: [UInt64] = [0, 1, 2, 65_535, 65_536, 65_537, 131_071]
  private static let farClusters: [UInt64] = [131_072, 131_073, 500_000, 1_048_575]

  @Test("The counts agree with a dictionary", arguments: 1...3)
  func nearCountsAgreeWithModel(seed: UInt64) {
    expectAgreement(Self.nearClusters, rounds: 1500, checkedEach: 50, seed: seed)
  }

  @Test("The counts of clusters that are far apart agree with a dictionary", arguments: 4...6)
  func farCountsAgreeWithModel(seed: UInt64) {
    // A check looks at every byte of each page.
    expectAgreement(
      Self.nearClusters + Self.farClusters, rounds: 5000, checkedEach: 50, seed: seed)
  }

  private func expectAgreement(
    _ indices: [UInt64], rounds: Int, checkedEach interval: Int, seed: UInt64
  ) {
    var generator = SplitMix64(seed: seed)
    var counts = ReferenceCounts()
    var model: [HostCluster: UInt32] = [:]
    let values: [UInt32] = [
      0, 1, 2, 253, 254, 255, 256, 257, 32_767, 32_768, 65_535, 65_536, UInt32.max,
    ]
    let clusters = indices.map(HostCluster.init)
    for round in 0..<rounds {
      let cluster = clusters.randomElement(using: &generator)!
      let value = values.randomElement(using: &generator)!
      counts[cluster] = value
      model[cluster] = value
      for cluster in clusters where counts[cluster] != model[cluster, default: 0] {
        Issue.record("cluster \(cluster.index) after \(round) rounds")
      }
      if round % interval == 0 { #expect(counts.highest == model.values.max()) }
    }
  }

  @Test("What was never set is 0, near and far")
  func unset() {
    var counts = ReferenceCounts()
    func count(_ index: UInt64) -> UInt32 { counts[HostCluster(index)] }
    #expect(count(0) == 0)
    #expect(count(1 << 50) == 0)
    #expect(counts.highest == 0)
    counts[HostCluster(200_000)] = 3
    #expect(count(199_999) == 0)
    #expect(count(200_001) == 0)
    #expect(counts.highest == 3)
  }

  @Test("Up one by one past all widths, and down again")
  func upAndDown() {
    var counts = ReferenceCounts()
    let five = HostCluster(5)
    for _ in 0..<70_000 { counts[five] += 1 }
    #expect(counts[five] == 70_000)
    #expect(counts.highest == 70_000)
    for expected in (0..<70_000).reversed() {
      counts[five] -= 1
      if counts[five] != expected { Issue.record("\(counts[five]) instead of \(expected)") }
    }
    #expect(counts.highest == 0)
  }

  @Test("Where nothing is counted, no memory is taken, however large the file is")
  func holes() {
    var counts = ReferenceCounts()
    let (last, other) = (HostCluster(1 << 31), HostCluster(1 << 30))
    counts[last] = 1
    counts[other] = 0
    #expect(counts.byteCount == 1 << 16)
    counts[other] = 300
    #expect(counts.byteCount == 3 << 16)
    #expect(counts[last] == 1 && counts[other] == 300)
    #expect(counts.highest == 300)
  }

  @Test("However many counts are high, a cluster takes a byte, two or four")
  func memory() {
    var counts = ReferenceCounts()
    for index in 0..<UInt64(1 << 17) { counts[HostCluster(index)] = 255 }
    #expect(counts.byteCount == 1 << 17)
    for index in 0..<UInt64(1 << 16) { counts[HostCluster(index)] = 256 }
    #expect(counts.byteCount == 3 << 16)
    for index in 0..<UInt64(1 << 16) { counts[HostCluster(index)] = 65_536 }
    #expect(counts.byteCount == 5 << 16)
    func count(_ index: UInt64) -> UInt32 { counts[HostCluster(index)] }
    #expect(count(0) == 65_536 && count(1 << 16) == 255)
  }
}
