import QCOW2
import TestSupport
import Testing

/// What uses each host cluster, against a dictionary.
@Suite struct ReferenceMapTests {
  @Test("The counts agree with a dictionary", arguments: 1...4)
  func agreesWithModel(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var map = ReferenceMap(clusterCount: 200_000)
    var model: [UInt64: UInt64] = [:]
    let limit: UInt32 = seed % 2 == 0 ? 65_535 : .max
    // Around the ends of pages and of pieces, and the cluster behind the file's end.
    let clusters: [UInt64] = [0, 1, 1023, 1024, 32_767, 32_768, 65_536, 199_999, 200_000]
    for _ in 0..<2000 {
      let cluster = clusters.randomElement(using: &random)!
      let times = [1, 1, 2, 250, 255, 40_000, 1 << 40].randomElement(using: &random)!
      let sum = model[cluster, default: 0] + UInt64(times)
      let excess = map.add(cluster, times: UInt64(times), .data, limit: limit)
      #expect(excess == sum - min(sum, UInt64(limit)))
      model[cluster] = min(sum, UInt64(limit))
      #expect(UInt64(map.count(cluster)) == model[cluster])
    }
    var used: [UInt64] = []
    map.forEachUsed(in: 0..<200_001) { used.append($0) }
    #expect(used == model.keys.sorted())
    #expect(used.allSatisfy { UInt64(map.count($0)) == model[$0] })
  }

  @Test("Uses add up, and are apart from counts")
  func uses() {
    var map = ReferenceMap(clusterCount: 10)
    #expect(map.add(3, times: 300, .l2Table, limit: .max) == 0)
    #expect(map.add(3, times: 1, .data, limit: .max) == 0)
    map.note(.countedOnce, of: 3)
    map.note(.countedOnce, of: 4)
    #expect(map.uses(3) == [.l2Table, .data, .countedOnce] && map.count(3) == 301)
    #expect(map.uses(4) == .countedOnce && map.count(4) == 0)
    #expect(map.uses(5) == [] && map.count(1 << 40) == 0)
  }

  @Test("Beyond the limit nothing is counted, and that is reported")
  func limited() {
    // A page has 64 KiB for 32,768 clusters, a piece for high counts 4 KiB.
    var map = ReferenceMap(clusterCount: 1 << 20, mostBytes: 68 << 10)
    #expect(map.add(5, times: 254, .data, limit: .max) == 0)
    #expect(map.add(6, times: 255, .data, limit: .max) == 0)
    #expect(!map.isExhausted && map.count(5) == 254 && map.count(6) == 255)
    #expect(map.add(1024, times: 255, .data, limit: .max) == 0)
    #expect(map.isExhausted && map.count(1024) == 0)
    #expect(map.add(40_000, times: 1, .data, limit: .max) == 0)
    #expect(map.count(40_000) == 0 && map.count(6) == 255)
  }

  @Test("Refcounts of every width are read", arguments: 0...6 as ClosedRange<UInt32>)
  func widths(order: UInt32) {
    var random = SplitMix64(seed: UInt64(order))
    let bytes = (0..<64).map { _ in UInt8.random(in: 0...255, using: &random) }
    let width = 1 << Int(order)
    bytes.withUnsafeBytes { raw in
      let block = RefcountBlock(raw, order: order)
      for index in 0..<512 / width {
        // By the specification: whole bytes are big-endian, parts of a byte begin at its low end.
        let expected =
          width >= 8
          ? bytes[index * width / 8..<(index + 1) * width / 8].reduce(0) { $0 << 8 | UInt64($1) }
          : UInt64(bytes[index * width / 8]) >> UInt64(index * width % 8) % (1 << UInt64(width))
        #expect(block[index] == expected)
      }
    }
  }
}
