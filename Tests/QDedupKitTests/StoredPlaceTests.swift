import DiskImage
import QCOW2
import QDedupKit
import TestSupport
import Testing

/// How a store entry names the place of a cluster.
@Suite struct StoredPlaceTests {
  @Test("The number in a store entry leads back to the mapping", arguments: 9...21)
  func roundTrip(clusterBits: Int) throws {
    let geometry = try #require(ClusterGeometry(clusterSize: 1 << clusterBits))
    var generator = SplitMix64(seed: UInt64(clusterBits))
    for _ in 0..<200 {
      let host = ((generator.next() >> (36 + generator.next() % 9)) + 1) << 21
      let standard = ClusterMapping(standard: HostOffset(host))
      #expect(standard.physicalSector == standard.host(geometry).bytes / 512)
      #expect(ClusterMapping(physicalSector: standard.physicalSector) == standard)
      let descriptor = generator.next() >> 2
      let compressed = ClusterMapping(descriptor: descriptor)
      #expect(compressed.physicalSector == 1 << 63 | descriptor)
      #expect(ClusterMapping(physicalSector: compressed.physicalSector) == compressed)
    }
  }
}
