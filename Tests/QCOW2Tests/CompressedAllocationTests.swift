import DiskImage
import QCOW2
import TestSupport
import Testing

/// Room for compressed data.
@Suite struct CompressedAllocationTests {
  /// The rules of packing, checked for one allocation after the other.
  private struct Packer {
    let writer: ImageWriter
    let limit: UInt32
    /// The end of the data that was placed last; 0 before the first.
    var tail: UInt64 = 0
    /// Host clusters that are not for compressed data.
    var standard: Set<UInt64> = []
    /// How many pieces began right after the one before.
    var packed = 0
    /// How many pieces run into another host cluster.
    var crossing = 0
    /// How many pieces are larger than a cluster.
    var larger = 0

    var geometry: ClusterGeometry { writer.geometry }
    var descriptor: Descriptor { Descriptor(clusterBits: geometry.clusterBits) }

    func references(_ cluster: UInt64) -> UInt32 {
      let host = HostOffset(cluster << UInt64(geometry.clusterBits))
      return writer.references(to: ClusterMapping(standard: host))
    }

    /// Where the data must go, by the rules alone.
    func expectedHost(_ byteCount: Int, _ references: UInt32) -> UInt64 {
      let size = UInt64(geometry.clusterSize)
      let sectors = descriptor.additionalSectors(host: tail, byteCount: byteCount)
      let start = sectors > descriptor.mostSectors ? (tail + 511) / 512 * 512 : tail
      let (cluster, end) = (start / size, writer.end.bytes)
      let isBegun = start % size != 0
      let last = start + UInt64(byteCount)
      let fits =
        last <= (cluster + 1) * size || (cluster + 1) * size == end && last <= (cluster + 2) * size
      let counts = UInt64(self.references(cluster)) + UInt64(references)
      if isBegun && fits && counts <= UInt64(limit) { return start }
      return byteCount > geometry.clusterSize ? end + 1 : end
    }

    mutating func place(_ byteCount: Int, references: UInt32) throws {
      let expected = expectedHost(byteCount, references)
      let mapping = try writer.allocate(
        compressedBytes: byteCount, references: references, limit: limit)
      let host = mapping.host(geometry).bytes
      try #require(host == expected)
      #expect(host >= max(tail, UInt64(geometry.clusterSize)), "it overlaps what was before")
      #expect(host + UInt64(byteCount) <= writer.end.bytes)
      let sectors = descriptor.additionalSectors(host: host, byteCount: byteCount)
      #expect(sectors <= descriptor.mostSectors)
      #expect(mapping.entry == descriptor.entry(host: host, byteCount: byteCount))
      let clusters = descriptor.hostClusters(host: host, byteCount: byteCount)
      #expect(standard.isDisjoint(with: clusters))
      writer.addReferences(references, to: mapping)
      for cluster in clusters { try #require(self.references(cluster) <= limit) }
      if byteCount > geometry.clusterSize {
        let offset = host % UInt64(geometry.clusterSize)
        #expect(1...UInt64(2 * geometry.clusterSize - byteCount) ~= offset, "libqcow reads less")
        larger += 1
      }
      if host == tail, tail % UInt64(geometry.clusterSize) != 0 { packed += 1 }
      if clusters.count > 1 { crossing += 1 }
      tail = host + UInt64(byteCount)
    }

    mutating func placeStandard() throws {
      let host = try writer.allocate()
      #expect(host.bytes >= tail)
      writer.addReferences(1, to: ClusterMapping(standard: host))
      standard.insert(host.bytes / UInt64(geometry.clusterSize))
    }
  }

  @Test(
    "Data of any sizes is packed, never overlaps and can be described",
    arguments: 9...21, [1, 2, 7, 255, RefcountWidth.highest] as [UInt32])
  func anySizes(clusterBits: Int, limit: UInt32) throws {
    let geometry = try #require(ClusterGeometry(clusterSize: 1 << clusterBits))
    let image = try EmptyImage(try TemporaryDirectory(), geometry)
    var packer = Packer(writer: image.writer, limit: limit)
    var generator = SplitMix64(seed: UInt64(clusterBits) << 32 + UInt64(limit))
    let bound = UInt64(Compression.bound(clusterSize: geometry.clusterSize))
    for _ in 0..<1500 {
      // Mostly small pieces, so that many share a cluster; some as large as they can be.
      let most = [bound / 20 + 1, bound / 3, bound].randomElement(using: &generator)!
      let byteCount = generator.next() % 50 == 0 ? bound : 1 + generator.next() % most
      let references = UInt32(1 + generator.next() % UInt64(min(limit, 9)))
      try packer.place(Int(byteCount), references: references)
      if generator.next() % 20 == 0 { try packer.placeStandard() }
    }
    #expect(packer.crossing > 10)
    #expect(packer.larger > 10)
    #expect(limit == 1 ? packer.packed == 0 : packer.packed > 50)
  }

  @Test("Without a limit in reach there is no gap at all", arguments: 9...21)
  func gapless(clusterBits: Int) throws {
    let geometry = try #require(ClusterGeometry(clusterSize: 1 << clusterBits))
    let image = try EmptyImage(try TemporaryDirectory(), geometry)
    var end = UInt64(geometry.clusterSize)
    var generator = SplitMix64(seed: 12)
    for _ in 0..<500 {
      let byteCount = 1 + Int(generator.next() % UInt64(geometry.clusterSize - 1))
      let mapping = try image.writer.allocate(
        compressedBytes: byteCount, references: 1, limit: RefcountWidth.highest)
      #expect(mapping.host(geometry).bytes == end)
      image.writer.addReferences(1, to: mapping)
      end += UInt64(byteCount)
    }
    #expect(image.writer.end.bytes >> clusterBits == geometry.clusterCount(forBytes: end))
  }

  @Test("A cluster whose references are used up takes no more data")
  func usedUp() throws {
    let geometry = try #require(ClusterGeometry(clusterSize: 4096))
    let image = try EmptyImage(try TemporaryDirectory(), geometry)
    func place(_ references: UInt32) throws -> UInt64 {
      let mapping = try image.writer.allocate(
        compressedBytes: 100, references: references, limit: 10)
      image.writer.addReferences(references, to: mapping)
      return mapping.host(geometry).bytes
    }
    #expect(try place(4) == 4096)
    #expect(try place(6) == 4196)
    #expect(try place(1) == 8192)
    #expect(try place(10) == 12_288)
    #expect(try place(10) == 16_384)
  }
}
