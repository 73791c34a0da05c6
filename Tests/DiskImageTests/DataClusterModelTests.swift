import DiskIO
import DiskImage
import SystemPackage
import TestSupport
import Testing

/// The count of data clusters against a bitmap, for extents that no file system would report.
@Suite struct DataClusterModelTests {
  @Test("Each cluster that an extent touches counts once", arguments: 1...40)
  func agreesWithModel(seed: UInt64) throws {
    var generator = SplitMix64(seed: seed)
    var ranges: [GuestRange] = []
    var offset: UInt64 = 0
    for _ in 0..<200 {
      let start = offset + generator.next() % 3000
      offset = start + 1 + generator.next() % (seed % 2 == 0 ? 100 : 5000)
      ranges.append(guestRange(start..<offset))
    }
    let source = Extents(ranges: ranges, virtualSize: offset)
    for bits in 9...12 {
      let geometry = try #require(ClusterGeometry(clusterSize: 1 << bits))
      var touched: Set<UInt64> = []
      for range in ranges {
        touched.formUnion((range.start.bytes >> bits)...((range.end.bytes - 1) >> bits))
      }
      #expect(try source.dataClusterCount(geometry) == UInt64(touched.count))
    }
  }

  /// A disk of which only the extents matter.
  private struct Extents: ImageSource {
    let ranges: [GuestRange]
    let virtualSize: UInt64
    let path: FilePath = "extents"
    var fileSize: UInt64 { virtualSize }

    func nextData(from offset: GuestOffset) throws(ImageError) -> GuestRange? {
      ranges.first { $0.end > offset }.map { GuestRange(max(offset, $0.start), upTo: $0.end) }
    }

    func read(
      into buffer: UnsafeMutableRawBufferPointer, at offset: GuestOffset
    ) throws(ImageError) {
      throw .notAnImage(path, .other)
    }
  }
}
