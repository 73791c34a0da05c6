import DiskIO
import QCOW2
import Testing

/// The header, byte for byte.
@Suite struct HeaderTests {
  /// A header with a different value in each field that can have one.
  static let bytes: [UInt8] =
    [0x51, 0x46, 0x49, 0xFB] + [0, 0, 0, 3]  // 0: magic, version
    + [0, 0, 0, 0, 0, 0, 0, 0] + [0, 0, 0, 0]  // 8: backing file
    + [0, 0, 0, 13]  // 20: cluster_bits
    + [0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08]  // 24: virtual size
    + [0, 0, 0, 0]  // 32: encryption
    + [0x11, 0x12, 0x13, 0x14]  // 36: L1 entries
    + [0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28]  // 40: L1 table
    + [0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38]  // 48: refcount table
    + [0x41, 0x42, 0x43, 0x44]  // 56: its clusters
    + [0, 0, 0, 0] + [0, 0, 0, 0, 0, 0, 0, 0]  // 60: snapshots
    + [0, 0, 0, 0, 0, 0, 0, 0]  // 72: incompatible features
    + [0, 0, 0, 0, 0, 0, 0, 0]  // 80: compatible features
    + [0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58]  // 88: autoclear features
    + [0, 0, 0, 5] + [0, 0, 0, 112]  // 96: refcount_order, header length
    + [0, 0, 0, 0, 0, 0, 0, 0]  // 104: compression type

  @Test("every field stands at its offset")
  func fields() throws {
    #expect(Self.bytes.count == 112 && Header.length == 112)
    let header = try Header(decoding: Self.bytes)
    #expect(header.clusterBits == 13)
    #expect(header.virtualSize == 0x0102_0304_0506_0708)
    #expect(header.l1EntryCount == 0x1112_1314)
    #expect(header.l1Offset == HostOffset(0x2122_2324_2526_2728))
    #expect(header.refcountTableOffset == HostOffset(0x3132_3334_3536_3738))
    #expect(header.refcountTableClusters == 0x4142_4344)
    #expect(header.autoclearFeatures == 0x5152_5354_5556_5758)
    #expect(header.refcountOrder == 5)
    #expect(header.encoded() == Self.bytes)
  }

  @Test("what follows the header does not matter")
  func longer() throws {
    #expect(try Header(decoding: Self.bytes + [1, 2, 3]).encoded() == Self.bytes)
  }

  @Test("a header that is cut off is refused", arguments: [0, 1, 4, 72, 104, 111])
  func short(count: Int) {
    let error = #expect(throws: Header.DecodingError.self) {
      try Header(decoding: Array(Self.bytes[..<count]))
    }
    #expect(error?.reason == "the header is cut off: it has \(count) of 112 bytes")
  }

  @Test(
    "a value that is not supported is refused and named",
    arguments: [
      (0, 0x51 as UInt8, false, ""), (0, 0x52, true, "not a qcow2 image"),
      (7, 2, true, "version 2"),
      (7, 4, true, "version 4"), (15, 1, true, "backing file"), (8, 1, true, "backing file"),
      (23, 9, false, ""), (23, 21, false, ""), (23, 8, true, "cluster_bits 8, must be 9 to 21"),
      (23, 22, true, "cluster_bits 22"), (23, 255, true, "cluster_bits 255"),
      (20, 128, true, "cluster_bits 2147483661"), (35, 1, true, "encrypted"),
      (63, 1, true, "snapshots"), (79, 1, true, "incompatible features 0x1 are unknown"),
      (79, 8, false, ""),
      (104, 1, false, ""), (104, 2, true, "compression type 2"),
      (72, 0x80, true, "incompatible features 0x8000000000000000"), (87, 1, false, ""),
      (95, 1, false, ""),
    ])
  func values(offset: Int, value: UInt8, isRefused: Bool, reason: String) throws {
    var bytes = Self.bytes
    bytes[offset] = value
    if isRefused {
      let error = #expect(throws: Header.DecodingError.self) { try Header(decoding: bytes) }
      #expect(error?.reason.contains(reason) == true)
    } else {
      _ = try Header(decoding: bytes)
    }
  }
}
