import QCOW2
import TestSupport
import Testing

/// What uses each host cluster, against a dictionary.
@Suite struct ReferenceMapTests {
  @Test("The counts agree with a dictionary", arguments: 1...4)
  func agreesWithModel(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var map = ReferenceMap(clusterCount: 200_000)
    var model: [HostCluster: UInt64] = [:]
    let limit: UInt32 = seed % 2 == 0 ? 65_535 : .max
    // Around the ends of pages and of pieces, and the cluster after the file's end.
    let clusters = [0, 1, 1023, 1024, 32_767, 32_768, 65_536, 199_999, 200_000]
      .map(HostCluster.init)
    for _ in 0..<2000 {
      let cluster = clusters.randomElement(using: &random)!
      let times = [1, 1, 2, 250, 255, 40_000, 1 << 40].randomElement(using: &random)!
      let sum = model[cluster, default: 0] + UInt64(times)
      let excess = map.add(cluster, times: UInt64(times), .data, limit: limit)
      #expect(excess == sum - min(sum, UInt64(limit)))
      model[cluster] = min(sum, UInt64(limit))
      #expect(UInt64(map.count(cluster)) == model[cluster])
    }
    var used: [HostCluster] = []
    map.forEachUsed(in: HostCluster(0)..<HostCluster(200_001)) { used.append($0) }
    #expect(used == model.keys.sorted())
    #expect(used.allSatisfy { UInt64(map.count($0)) == model[$0] })
  }

  @Test("Uses add up, and are apart from counts")
  func uses() {
    var map = ReferenceMap(clusterCount: 10)
    let (three, four) = (HostCluster(3), HostCluster(4))
    #expect(map.add(three, times: 300, .l2Table, limit: .max) == 0)
    #expect(map.add(three, times: 1, .data, limit: .max) == 0)
    map.note(.countedOnce, of: three)
    map.note(.countedOnce, of: four)
    #expect(map.uses(three) == [.l2Table, .data, .countedOnce] && map.count(three) == 301)
    #expect(map.uses(four) == .countedOnce && map.count(four) == 0)
    #expect(map.uses(HostCluster(5)) == [] && map.count(HostCluster(1 << 40)) == 0)
  }

  @Test("Beyond the limit nothing is counted, and that is reported")
  func limited() {
    // A page has 64 KiB for 32,768 clusters, a piece for high counts 4 KiB.
    var map = ReferenceMap(clusterCount: 1 << 20, mostBytes: 68 << 10)
    func add(_ index: UInt64, _ times: UInt64) -> UInt64 {
      map.add(HostCluster(index), times: times, .data, limit: .max)
    }
    func count(_ index: UInt64) -> UInt32 { map.count(HostCluster(index)) }
    #expect(add(5, 254) == 0)
    #expect(add(6, 255) == 0)
    #expect(!map.isExhausted && count(5) == 254 && count(6) == 255)
    #expect(add(1024, 255) == 0)
    #expect(map.isExhausted && count(1024) == 0)
    #expect(add(40_000, 1) == 0)
    #expect(count(40_000) == 0 && count(6) == 255)
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

  @Test(
    "Refcounts of every width come back as they were encoded",
    arguments: 0...6 as ClosedRange<UInt32>)
  func encodedWidths(order: UInt32) {
    var random = SplitMix64(seed: UInt64(order) + 7)
    let width = 1 << UInt64(order)
    let counts = (0..<512 * 8 / width).map { _ in random.next() >> (64 - UInt64(width)) }
    var bytes = [UInt8](repeating: 0xA5, count: 512)
    bytes.withUnsafeMutableBytes {
      RefcountBlock.encode(into: $0, order: order) { counts[$0] }
    }
    bytes.withUnsafeBytes { raw in
      let block = RefcountBlock(raw, order: order)
      #expect(counts.indices.allSatisfy { block[$0] == counts[$0] })
    }
  }
}
