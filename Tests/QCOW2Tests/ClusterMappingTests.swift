import DiskImage
import QCOW2
import TestSupport
import Testing

/// What an L2 entry says about the place of a cluster's data.
@Suite struct ClusterMappingTests {
  /// A place in a file, and how many bytes are there.
  private struct Piece {
    let host: UInt64
    let byteCount: Int
  }

  /// Places all over a file of 512 TiB, among them those at the borders of sectors and clusters.
  private func pieces(_ clusterSize: Int) -> [Piece] {
    var generator = SplitMix64(seed: UInt64(clusterSize))
    let bound = Compression.bound(clusterSize: clusterSize)
    var hosts = [clusterSize, clusterSize + 1, 2 * clusterSize - 1, 3 * clusterSize - 512]
      .map(UInt64.init)
    hosts += (0..<200).map { _ in generator.next() >> (15 + generator.next() % 30) }
    return hosts.flatMap { host in
      let sizes =
        [1, 2, 511, 512, 513, clusterSize - 1, clusterSize]
        + [1 + Int(generator.next() % UInt64(bound))]
      return sizes.map { Piece(host: host, byteCount: $0) }
    }
  }

  /// The mapping that an L2 entry of a compressed cluster stands for.
  private func mapping(_ entry: UInt64) -> ClusterMapping {
    ClusterMapping(descriptor: entry & 0x3FFF_FFFF_FFFF_FFFF)
  }

  @Test("A descriptor's fields are where the specification has them", arguments: 9...21)
  func fields(clusterBits: Int) throws {
    let geometry = try #require(ClusterGeometry(clusterSize: 1 << clusterBits))
    let descriptor = Descriptor(clusterBits: clusterBits)
    var described = 0
    for piece in pieces(geometry.clusterSize) {
      let sectors = descriptor.additionalSectors(host: piece.host, byteCount: piece.byteCount)
      guard sectors <= descriptor.mostSectors else { continue }
      described += 1
      let entry = descriptor.entry(host: piece.host, byteCount: piece.byteCount)
      let mapping = mapping(entry)
      #expect(mapping.entry == entry)
      #expect(mapping.isCompressed)
      #expect(mapping.host(geometry).bytes == piece.host)
      let end = (piece.host + UInt64(piece.byteCount) + 511) / 512 * 512
      #expect(mapping.byteCount(geometry) == Int(end - piece.host))
    }
    #expect(described > 1000)
  }

  @Test("A standard cluster has no descriptor and one cluster of bytes", arguments: 9...21)
  func standard(clusterBits: Int) throws {
    let geometry = try #require(ClusterGeometry(clusterSize: 1 << clusterBits))
    for piece in pieces(geometry.clusterSize) {
      let standard = ClusterMapping(standard: HostOffset((piece.host >> 21 + 1) << 21))
      #expect(standard.isCompressed == false && standard.descriptor == nil)
      #expect(standard.byteCount(geometry) == geometry.clusterSize)
    }
  }

  @Test(
    "Each host cluster that a descriptor's sectors touch counts one reference", arguments: 9...21)
  func hostClusters(clusterBits: Int) throws {
    let geometry = try #require(ClusterGeometry(clusterSize: 1 << clusterBits))
    let descriptor = Descriptor(clusterBits: clusterBits)
    let image = try EmptyImage(try TemporaryDirectory(), geometry)
    var generator = SplitMix64(seed: 8)
    var model: [UInt64: UInt32] = [:]
    var touchesTwo = 0
    for round in 0..<2000 as Range<UInt32> {
      let host = UInt64(geometry.clusterSize) + generator.next() % UInt64(20 << clusterBits)
      let byteCount = 1 + Int(generator.next() % UInt64(geometry.clusterSize))
      let sectors = descriptor.additionalSectors(host: host, byteCount: byteCount)
      guard sectors <= descriptor.mostSectors else { continue }
      let mapping = mapping(descriptor.entry(host: host, byteCount: byteCount))
      let clusters = descriptor.hostClusters(host: host, byteCount: byteCount)
      if clusters.count > 1 { touchesTwo += 1 }
      image.writer.addReferences(1 + round % 3, to: mapping)
      for cluster in clusters { model[cluster, default: 0] += 1 + round % 3 }
      try #require(image.writer.references(to: mapping) == clusters.map { model[$0]! }.max())
      if round % 7 == 1 {
        image.writer.removeReference(to: mapping, mappedFrom: GuestOffset(0))
        for cluster in clusters { model[cluster]! -= 1 }
      }
    }
    #expect(touchesTwo > 300)
    for (cluster, count) in model {
      let standard = ClusterMapping(standard: HostOffset(cluster << UInt64(clusterBits)))
      #expect(image.writer.references(to: standard) == count)
    }
  }
}
