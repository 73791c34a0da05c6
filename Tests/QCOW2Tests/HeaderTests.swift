import DiskIO
import QCOW2
import Testing

/// The header, byte for byte.
@Suite struct HeaderTests {
  /// A header with a different value in each field that can have one.
  static let bytes: [UInt8] =
    [0x51, 0x46, 0x49, 0xFB] + [0, 0, 0, 3]  // 0: magic, version
    + [0, 0, 0, 0, 0, 0, 0x02, 0x01] + [0, 0, 0x01, 0x03]  // 8: backing file
    + [0, 0, 0, 13]  // 20: cluster_bits
    + [0, 0, 0, 0x04, 0x05, 0x06, 0x07, 0x08]  // 24: virtual size
    + [0, 0, 0, 0x02]  // 32: encryption
    + [0, 0x1, 0x13, 0x14]  // 36: L1 entries
    + [0x21, 0x22, 0x23, 0x24, 0x25, 0x20, 0, 0]  // 40: L1 table
    + [0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38]  // 48: refcount table
    + [0x41, 0x42, 0x43, 0x44]  // 56: its clusters
    + [0x45, 0x46, 0x47, 0x48] + [0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68]  // 60: snapshots
    + [0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x80]  // 72: incompatible features
    + [0x71, 0x72, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78]  // 80: compatible features
    + [0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58]  // 88: autoclear features
    + [0, 0, 0, 5] + [0, 0, 0, 112]  // 96: refcount_order, header length
    + [0, 0, 0, 0, 0, 0, 0, 0]  // 104: compression type

  @Test("Every field is at its offset")
  func fields() throws {
    #expect(Self.bytes.count == 112 && Header.length == 112)
    let header = try Header(decoding: Self.bytes)
    #expect(header.version == 3)
    #expect((header.backingNameOffset, header.backingNameLength) == (0x0201, 0x0103))
    #expect(header.clusterBits == 13)
    #expect(header.virtualSize == 0x04_0506_0708)
    #expect(header.encryption == 2)
    #expect(header.l1EntryCount == 0x01_1314)
    #expect(header.l1Offset == HostOffset(0x2122_2324_2520_0000))
    #expect(header.refcountTableOffset == HostOffset(0x3132_3334_3536_3738))
    #expect(header.refcountTableClusters == 0x4142_4344)
    #expect(header.snapshotCount == 0x4546_4748)
    #expect(header.snapshotsOffset == HostOffset(0x6162_6364_6566_6768))
    #expect(header.incompatibleFeatures == 0x8182_8384_8586_8780)
    #expect(header.compatibleFeatures == 0x7172_7374_7576_7778)
    #expect(header.autoclearFeatures == 0x5152_5354_5556_5758)
    #expect(header.refcountOrder == 5)
    #expect(header.length == 112)
    #expect(header.compression == .zlib)
    #expect(header.encoded() == Self.bytes)
  }

  @Test("Version 2 ends before the features, whatever follows")
  func version2() throws {
    var bytes = Self.bytes
    bytes[7] = 2
    for bytes in [bytes, Array(bytes[..<72])] {
      let header = try Header(decoding: bytes)
      #expect((header.version, header.length, header.refcountOrder) == (2, 72, 4))
      #expect(header.incompatibleFeatures == 0)
      #expect(header.compatibleFeatures == 0 && header.autoclearFeatures == 0)
      #expect(header.snapshotCount == 0x4546_4748)
    }
  }

  @Test("What follows the header does not matter")
  func longer() throws {
    #expect(try Header(decoding: Self.bytes + [1, 2, 3]).encoded() == Self.bytes)
  }

  @Test(
    "A header that is cut off is refused",
    arguments: [(0, 72), (1, 72), (4, 72), (71, 72), (72, 104), (103, 104)])
  func short(count: Int, needed: Int) {
    let error = #expect(throws: FormatError.self) {
      try Header(decoding: Array(Self.bytes[..<count]))
    }
    #expect(error?.reason == "the header is cut off: it has \(count) of \(needed) bytes")
  }

  @Test("A short header of version 3 has zlib's clusters")
  func shortVersion3() throws {
    var bytes = Array(Self.bytes[..<104])
    bytes[103] = 104
    let header = try Header(decoding: bytes + [1, 0, 0, 0])
    #expect((header.length, header.compression) == (104, .zlib))
  }

  @Test(
    "A value that cannot be is refused and named",
    arguments: [
      (0, 0x51 as UInt8, nil), (0, 0x52, "not a qcow2 image"), (7, 1, "version 1"),
      (7, 4, "version 4, must be 2 or 3"), (7, 2, nil),
      (23, 9, "an L1 table of 70420 entries"), (23, 21, nil),
      (23, 8, "cluster_bits 8, must be 9 to 21"), (23, 22, "cluster_bits 22"),
      (23, 255, "cluster_bits 255"), (20, 128, "cluster_bits 2147483661"),
      (37, 0x40, "4199188 entries, must be at most 4194304"), (36, 0xFF, "must be at most 4194304"),
      (39, 0, nil), (27, 0xFF, "an L1 table of 70420 entries for a disk of 1095"),
      (24, 0xFF, "an L1 table"), (47, 1, "an L1 table at byte"), (46, 0x10, "an L1 table at byte"),
      (18, 4, "a backing file name of 1027 bytes, must be at most 1023"), (19, 0, nil),
      (14, 0x1F, "within the first cluster"), (8, 0xFF, "within the first cluster"),
      (99, 6, nil), (99, 7, "refcount_order 7, must be 0 to 6"), (96, 255, "refcount_order"),
      (103, 103, "header length 103, must be 104 to 8192"), (102, 0x20, "header length 8304"),
      (79, 0x88, "compression type 0 with the feature bit of another"),
      (104, 1, "compression type 1 with the feature bit of another"),
      (104, 2, "compression type 2, must be 0 (zlib) or 1 (zstd)"),
      (79, 0x90, "extended L2 entries with cluster_bits 13, must be 14 to 21"),
      (72, 0, nil), (80, 0, nil), (88, 0, nil), (35, 9, nil),
    ] as [(Int, UInt8, String?)])
  func values(offset: Int, value: UInt8, refusal: String?) throws {
    var bytes = Self.bytes
    bytes[offset] = value
    if let refusal {
      let error = #expect(throws: FormatError.self) { try Header(decoding: bytes) }
      #expect(error?.reason.contains(refusal) == true, "\(error?.reason ?? "")")
    } else {
      _ = try Header(decoding: bytes)
    }
  }
}
