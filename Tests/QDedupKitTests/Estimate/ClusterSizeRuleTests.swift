import Testing

@testable import QDedupKit

/// The largest size whose file is at most 5 % above the smallest.
@Suite struct ClusterSizeRuleTests {
  private func choose(_ files: UInt64...) -> Int {
    ClusterSizeRule.choose(files.enumerated().map { (4096 << $0.offset, $0.element) })
  }

  @Test("The limit counts itself, and one byte more does not")
  func limit() {
    #expect(choose(100, 105) == 8192)
    #expect(choose(100, 106) == 4096)
    #expect(choose(2000, 2000, 2100) == 16_384)
    #expect(choose(2000, 2000, 2101) == 8192)
  }

  @Test("A larger size counts even where those between are too large")
  func gap() {
    #expect(choose(100, 120, 104, 130) == 16_384)
    #expect(choose(200, 150, 100, 99) == 32_768)
  }

  @Test("Sizes near the largest number are no trap")
  func largestNumbers() {
    let most = UInt64.max / 21 * 20
    #expect(choose(most, most + most / 20, .max) == 8192)
    #expect(choose(0, 0, 1) == 8192)
    #expect(ClusterSizeRule.choose([]) == 4096)
  }
}
