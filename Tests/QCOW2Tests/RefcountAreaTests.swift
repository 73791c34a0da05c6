import QCOW2
import TestSupport
import Testing

/// Where refcounts go: they count themselves too.
@Suite struct RefcountAreaTests {
  @Test(
    "Every cluster is counted once, with as few blocks as can be",
    arguments: 9...21, [RefcountWidth.bits16, .bits32])
  func smallest(bits: Int, width: RefcountWidth) {
    var generator = SplitMix64(seed: UInt64(bits))
    let perBlock = UInt64(1) << bits / UInt64(width.byteCount)
    for round in 0..<2000 {
      let used: UInt64 =
        switch round % 4 {
        case 0: UInt64(round)
        case 1: generator.next() % (perBlock * 100)
        case 2: perBlock * (generator.next() % 3000) &+ generator.next() % 5 &- 2
        default: generator.next() >> 28
        }
      check(used: used & (1 << 40 - 1), bits: bits, width: width)
    }
  }

  @Test(
    "An image that grows by a cluster at a time always has enough blocks",
    arguments: [RefcountWidth.bits16, .bits32])
  func growing(width: RefcountWidth) {
    for used in 1..<40_000 as Range<UInt64> { check(used: used, bits: 9, width: width) }
  }

  private func check(used: UInt64, bits: Int, width: RefcountWidth) {
    let perBlock = UInt64(1) << bits / UInt64(width.byteCount)
    let perTableCluster = UInt64(1) << bits / 8
    func tables(_ blocks: UInt64) -> UInt64 { (blocks + perTableCluster - 1) / perTableCluster }
    func isEnough(_ blocks: UInt64) -> Bool {
      blocks * perBlock >= used + blocks + tables(blocks)
    }
    let size = RefcountArea.Size(after: used, clusterSize: 1 << bits, width: width)
    let isSmallest = isEnough(size.blocks) && (size.blocks == 1 || !isEnough(size.blocks - 1))
    if !isSmallest || size.tableClusters != tables(size.blocks) {
      Issue.record("\(size) after \(used) clusters of 2^\(bits) bytes")
    }
  }
}
