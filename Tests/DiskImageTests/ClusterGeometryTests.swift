import DiskImage
import Testing

/// Cluster sizes and the places that follow from them.
@Suite struct ClusterGeometryTests {
  @Test("Allowed cluster sizes are accepted", arguments: 9...21)
  func allowed(bits: Int) throws {
    let geometry = try #require(ClusterGeometry(clusterSize: 1 << bits))
    #expect(geometry.clusterBits == bits)
    #expect(geometry.clusterSize == 1 << bits)
  }

  @Test(
    "Other cluster sizes are refused",
    arguments: [
      Int.min, -4096, -1, 0, 1, 256, 511, 513, 4095, 4097, 65_535, 1_048_577, 2_097_151, 2_097_153,
      4_194_304, 1 << 62, Int.max,
    ])
  func refused(size: Int) {
    #expect(ClusterGeometry(clusterSize: size) == nil)
  }

  @Test("Counts of clusters round up and do not overflow", arguments: 9...21)
  func counts(bits: Int) throws {
    let geometry = try #require(ClusterGeometry(clusterSize: 1 << bits))
    let size = UInt64(1) << bits
    #expect(geometry.clusterCount(forBytes: 0) == 0)
    #expect(geometry.clusterCount(forBytes: 1) == 1)
    #expect(geometry.clusterCount(forBytes: size - 1) == 1)
    #expect(geometry.clusterCount(forBytes: size) == 1)
    #expect(geometry.clusterCount(forBytes: size + 1) == 2)
    #expect(geometry.clusterCount(forBytes: 7 * size) == 7)
    #expect(geometry.clusterCount(forBytes: UInt64.max) == UInt64.max / size + 1)
    #expect(geometry.clusterCount(forBytes: 0 &- size) == UInt64.max / size)
  }

  @Test("A place has its cluster", arguments: 9...21)
  func indexes(bits: Int) throws {
    let geometry = try #require(ClusterGeometry(clusterSize: 1 << bits))
    let size = UInt64(1) << bits
    #expect(geometry.clusterIndex(at: GuestOffset(0)) == 0)
    #expect(geometry.clusterIndex(at: GuestOffset(size - 1)) == 0)
    #expect(geometry.clusterIndex(at: GuestOffset(size)) == 1)
    #expect(geometry.clusterIndex(at: GuestOffset(UInt64.max)) == UInt64.max / size)
  }

  @Test("Places are ordered")
  func places() {
    #expect(GuestOffset(1) < GuestOffset(2))
    #expect(!(GuestOffset(2) < GuestOffset(2)))
    #expect(max(GuestOffset(5), GuestOffset(UInt64.max)) == GuestOffset(UInt64.max))
  }

  @Test("A range never ends before it begins")
  func ranges() {
    #expect(guestRange(3..<10).byteCount == 7)
    #expect(guestRange(0..<UInt64.max).byteCount == UInt64.max)
    let backwards = GuestRange(GuestOffset(10), upTo: GuestOffset(3))
    #expect(backwards.byteCount == 0)
    #expect(backwards.end == GuestOffset(10))
  }
}
