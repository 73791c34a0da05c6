import DedupStore
import QDedupKit
import TestSupport
import Testing

/// Clusters whose content was chosen so that their digests share a few buckets, in every order of the
/// store: XXH3 has no key, so such content can be searched for.
@Suite struct ChosenContentTests {
  /// The last 8 bytes of the clusters. They were searched for by trying all numbers from 1 on.
  private static let endings: [UInt64] = [
    3_182_198, 67_983_307, 73_050_806, 95_070_715, 97_013_825, 105_359_861, 106_389_803,
    164_648_555, 168_951_939, 188_969_269, 212_715_264, 218_665_081, 218_902_667, 248_778_293,
    273_204_406, 313_248_122, 315_018_919, 317_492_565, 325_352_361, 332_502_801, 370_920_981,
    373_902_514, 374_605_556, 385_711_050, 396_094_769, 403_998_060, 405_957_811, 428_855_674,
    429_312_618, 433_185_571, 465_374_833, 466_859_755, 473_507_643, 490_897_717, 507_748_397,
    512_323_745, 523_238_775, 550_629_831, 558_792_518, 569_034_660, 579_475_623, 600_910_504,
    619_190_705, 628_822_513, 639_529_047, 644_597_513, 646_569_906, 649_667_422, 653_487_411,
    681_522_763, 718_131_070, 738_900_719, 742_510_734, 743_869_911, 764_037_504, 777_804_212,
    789_281_059, 804_562_067, 824_604_104, 857_676_609,
  ]

  /// A cluster of 4096 bytes: 1 to 251 again and again, and then the ending, little-endian.
  private static func cluster(ending: UInt64) -> [UInt8] {
    (0..<4088).map { UInt8($0 % 251 + 1) }
      + (0..<8).map { UInt8(truncatingIfNeeded: ending >> UInt64(8 * $0)) }
  }

  private let chosen = endings.map { Self.cluster(ending: $0) }
  /// As many clusters of the same kind that were not chosen.
  private let ordinary = (1...60 as ClosedRange<UInt64>).map { Self.cluster(ending: $0) }

  @Test("S7: the digests of the chosen clusters are in four buckets, up to order 14")
  func buckets() {
    for cluster in chosen {
      let digest = cluster.withUnsafeBytes { Digest(of: $0) }
      #expect(digest.high & 0x3FFC == 0 && digest.low & 0x3FFC == 0)
    }
  }

  @Test(
    "S7: chosen clusters take no more room than others, and the report counts what was left out",
    arguments: [true, false])
  func size(keepsHashStore: Bool) throws {
    var sizes: [UInt64] = []
    for clusters in [ordinary, chosen] {
      var trial = try Trial(Array(clusters.joined()))
      trial.options.store.isKept = keepsHashStore
      let report = try trial.convertAndCompare()
      #expect(report.clusters.unique == 60)
      let leftOut = report.hashStore.entriesLeftOut
      // Four buckets have 16 slots.
      #expect(clusters == chosen ? 44...60 ~= leftOut : leftOut == 0)
      #expect(report.hashStore.freezes == (keepsHashStore ? 1 : 0))
      sizes.append(report.output.fileSize)
    }
    #expect(sizes[1] <= sizes[0] + sizes[0] / 10)
  }

  @Test("S7: chosen clusters that repeat are stored once, like others")
  func duplicates() throws {
    var sizes: [UInt64] = []
    for clusters in [ordinary, chosen] {
      let repeated = (0..<40).flatMap { _ in clusters.joined() }
      let report = try Trial([UInt8](repeating: 0, count: 5 << 20) + repeated).convertAndCompare()
      #expect(report.clusters.unique == 60)
      #expect(report.clusters.duplicate == 39 * 60)
      sizes.append(report.output.fileSize)
    }
    #expect(sizes[1] <= sizes[0] + sizes[0] / 10)
  }
}
