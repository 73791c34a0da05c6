import TestSupport
import Testing

@testable import QDedupKit

/// The set of contents, exact and as a sample.
@Suite struct DistinctSetTests {
  private func keys(_ count: Int, seed: UInt64) -> [UInt64] {
    var generator = SplitMix64(seed: seed)
    return (0..<count).map { _ in generator.next() }
  }

  private func insert(_ keys: some Sequence<UInt64>, into set: DistinctSet, image: Int) throws {
    let clusters = keys.map { DistinctSet.Cluster(key: $0, pieces: 1) }
    set.announce(clusters[...])
    try set.insert(clusters[...], image: image)
  }

  @Test("Each content is counted once, in each of its images")
  func eachContentCountedOnceInEachImages() throws {
    let set = try DistinctSet(mostSlots: 1 << 16, images: 3)
    let (all, some) = (keys(20_000, seed: 1), keys(5_000, seed: 2))
    try insert(all + all, into: set, image: 0)
    try insert(all[..<300] + some[...], into: set, image: 1)
    try insert([0, 0, 1], into: set, image: 2)
    let tally = set.tally(images: 3)
    #expect(tally.distinct == [20_000, 5_300, 1])
    #expect(tally.union == 25_001)
    #expect(tally.shared[0] == [0, 300, 0])
    #expect(tally.relativeError == 0)
    #expect(set.occurrences(all[0])?.times == 3)
    #expect(set.occurrences(all[0])?.images == 2)
    #expect(set.occurrences(some[0])?.times == 1)
    #expect(set.occurrences(77) == nil)
  }

  @Test("More than fit become a sample that is near the truth")
  func moreThanFitBecomeSampleThatNearTruth() throws {
    let set = try DistinctSet(mostSlots: 1 << 12, images: 1)
    let all = keys(300_000, seed: 3)
    try insert(all, into: set, image: 0)
    #expect(set.level == 7)
    #expect(set.count <= 3072)
    let tally = set.tally(images: 1)
    let error = abs(Double(tally.union) / 300_000 - 1)
    #expect(error < 2 * tally.relativeError, "\(error) by \(tally.relativeError)")
    #expect(tally.relativeError > 0.02 && tally.relativeError < 0.06)
  }

  @Test("A sample does not depend on the order of what is counted")
  func sampleDoesNotDependOnOrderWhatCounted() throws {
    let all = keys(50_000, seed: 4)
    let counts = try [all, all.reversed(), all.sorted()].map { order in
      let set = try DistinctSet(mostSlots: 1 << 12, images: 1)
      try insert(order, into: set, image: 0)
      return [set.level, set.count, Int(set.tally(images: 1).union)]
    }
    #expect(Set(counts).count == 1)
  }
}
