import TestSupport
import Testing

@testable import QDedupKit

/// The places that are chosen to be compressed.
@Suite struct StratifiedSampleTests {
  private func units(_ count: Int) -> [StratifiedSample.Unit] {
    var generator = SplitMix64(seed: 9)
    return (0..<count).map { index in
      .init(key: generator.next(), offset: UInt64(index) << 17, weight: 1 + generator.next() % 32)
    }
  }

  @Test("There are never more places than allowed, and they stand for everything")
  func thereNeverMorePlacesThanAllowedAndThey() {
    let all = units(5000)
    var sample = StratifiedSample(bits: 17, limit: 192)
    for unit in all {
      sample.add(unit)
      #expect(sample.units.count <= 192)
    }
    #expect(sample.units.count > 96)
    let weights = { (units: [StratifiedSample.Unit]) in units.reduce(0) { $0 + $1.weight } }
    #expect(weights(sample.units) == weights(all))
    for unit in sample.units {
      let stratum = all.filter {
        $0.offset >> UInt64(sample.bits) == unit.offset >> UInt64(sample.bits)
      }
      #expect(unit.key == stratum.map(\.key).min())
      #expect(unit.weight == weights(stratum))
    }
  }

  @Test("The places do not depend on the order in which they were seen")
  func placesDoNotDependOnOrderInWhich() {
    let all = units(3000)
    let offsets = [all, all.reversed(), all.sorted { $0.key < $1.key }].map { order in
      var sample = StratifiedSample(bits: 17, limit: 100)
      for unit in order { sample.add(unit) }
      return sample.units.map(\.offset)
    }
    #expect(offsets[0] == offsets[1] && offsets[0] == offsets[2])
  }
}
