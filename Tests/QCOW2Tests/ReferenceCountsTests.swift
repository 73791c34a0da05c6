import QCOW2
import TestSupport
import Testing

/// Counts against a dictionary.
@Suite struct ReferenceCountsTests {
  @Test("The counts agree with a dictionary", arguments: 1...6)
  func agreesWithModel(seed: UInt64) {
    var generator = SplitMix64(seed: seed)
    var counts = ReferenceCounts()
    var model: [UInt64: UInt32] = [:]
    let values: [UInt32] = [
      0, 1, 2, 253, 254, 255, 256, 257, 32_767, 32_768, 65_535, 65_536, UInt32.max,
    ]
    // Few clusters, so that each changes often; around the ends of the 64 KiB pages.
    let clusters: [UInt64] = [
      0, 1, 2, 65_535, 65_536, 65_537, 131_071, 131_072, 131_073, 500_000, 1_048_575,
    ]
    for round in 0..<5000 {
      let cluster = clusters.randomElement(using: &generator)!
      let value = values.randomElement(using: &generator)!
      counts[cluster] = value
      model[cluster] = value
      for cluster in clusters where counts[cluster] != model[cluster, default: 0] {
        Issue.record("cluster \(cluster) after \(round) rounds")
      }
      if round % 50 == 0 { #expect(counts.highest == model.values.max()) }
    }
  }

  @Test("What was never set is 0, near and far")
  func unset() {
    var counts = ReferenceCounts()
    #expect(counts[0] == 0)
    #expect(counts[1 << 50] == 0)
    #expect(counts.highest == 0)
    counts[200_000] = 3
    #expect(counts[199_999] == 0)
    #expect(counts[200_001] == 0)
    #expect(counts.highest == 3)
  }

  @Test("Up one by one past all widths, and down again")
  func upAndDown() {
    var counts = ReferenceCounts()
    for _ in 0..<70_000 { counts[5] += 1 }
    #expect(counts[5] == 70_000)
    #expect(counts.highest == 70_000)
    for expected in (0..<70_000).reversed() {
      counts[5] -= 1
      if counts[5] != expected { Issue.record("\(counts[5]) instead of \(expected)") }
    }
    #expect(counts.highest == 0)
  }
}
