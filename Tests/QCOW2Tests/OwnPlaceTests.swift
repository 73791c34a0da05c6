import DiskImage
import QCOW2
import TestSupport
import Testing

/// Data is not in the file where it is on the disk, in the part in which programs look for
/// signatures.
@Suite struct OwnPlaceTests {
  @Test("No guest cluster gets its own place in the first 4 MiB", arguments: 9...21)
  func never(clusterBits: Int) throws {
    let geometry = try #require(ClusterGeometry(clusterSize: 1 << clusterBits))
    let image = try EmptyImage(try TemporaryDirectory(), geometry)
    var generator = SplitMix64(seed: UInt64(clusterBits))
    var (guest, last, own) = (image.writer.end.bytes, HostOffset(0), 0)
    while guest < 5 << 20 {
      // The very next place, a few clusters on, or one that the last ones have shifted.
      if generator.next() % 3 == 0 { guest = max(guest, image.writer.end.bytes) }
      let isOwn = image.writer.end.bytes == guest
      let host = try image.writer.allocateData(for: GuestOffset(guest))
      #expect(host.bytes != guest || guest >= 4 << 20)
      #expect(host > last, "data goes forward")
      if isOwn { own += 1 }
      last = host
      guest += UInt64(geometry.clusterSize) * (1 + generator.next() % 3)
    }
    #expect(own > 0)
  }

  @Test("A place that was left out is taken by the next table")
  func reused() throws {
    let image = try WrittenImage(
      try TemporaryDirectory(), clusterSize: 4096, virtualSize: 8 << 20)
    // Header, L1 table; cluster 2 would be guest cluster 2's own place.
    let first = try image.store(1, at: 2)
    #expect(first.bytes == 3 * 4096)
    let second = try image.store(2, at: 600)
    #expect(second.bytes == 4 * 4096)
    let finished = try image.finish()
    // The first table is in cluster 2, the second in 5; then a refcount block and its table.
    #expect(finished.fileSize == 8 * 4096)
  }
}
