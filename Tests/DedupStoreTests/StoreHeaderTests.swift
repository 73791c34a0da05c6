import DedupStore
import DiskIO
import Testing
import TestSupport

@Suite struct StoreHeaderTests {
  private func parse(_ bytes: [UInt8]) throws -> StoreHeader {
    try StoreHeader.parse(bytes, fileSize: 1 << 30, alignment: 65536)
  }

  /// The data of an extension with other bytes in one place and a checksum that fits them.
  private func resealed(_ bytes: [UInt8], at offset: Int, _ value: UInt32) -> [UInt8] {
    var bytes = bytes
    bytes.withUnsafeMutableBytes { $0.storeBigEndian(value, at: offset) }
    let covered = bytes[..<32] + bytes[40...]
    let checksum = Array(covered).withUnsafeBytes { XXH3Stream.hash($0) }
    bytes.withUnsafeMutableBytes { $0.storeBigEndian(checksum, at: 32) }
    return bytes
  }

  @Test("The 40 bytes are exact, and an inline dump follows them")
  func bytes() {
    let header = StoreHeader(
      dump: DumpTests.dump, dumpOffset: nil, maxIncarnations: 128, isDirty: true)
    let fixed: [UInt8] = [
      0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 128,
      0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 36, 0, 0, 0, 0,
    ]
    let dump = DumpTests.dump.serialized
    var sum: [UInt8] = []
    sum.append(bigEndian: (fixed + dump).withUnsafeBytes { XXH3Stream.hash($0) })
    #expect(header.serialized == fixed + sum + dump)
    #expect(StoreHeader.extensionType == 0xCD8E_819B)
    #expect(StoreHeader.autoclearBit == 63)
  }

  @Test("S31: a header is parsed as it was, with padding after it", arguments: [false, true])
  func roundTrip(isDirty: Bool) throws {
    for offset in [nil, 0x50000] as [StorageOffset?] {
      let header = StoreHeader(
        dump: DumpTests.dump, dumpOffset: offset, maxIncarnations: 7, isDirty: isDirty)
      let parsed = try parse(header.serialized + [0, 0, 0, 0])
      #expect(parsed == header)
      #expect(parsed.inlineDump == (offset == nil ? DumpTests.dump.serialized : nil))
      #expect(throws: Never.self) { try parsed.checkDump(DumpTests.dump.serialized) }
    }
  }

  @Test("S32: a header that is cut off is an error at every length", arguments: 0..<76)
  func truncated(length: Int) {
    let header = StoreHeader(dump: DumpTests.dump, dumpOffset: nil, maxIncarnations: 1)
    #expect(
      throws: StoreFormatError.truncated(
        "hash store header", needed: length < 40 ? 40 : 76, available: UInt64(length))
    ) { try parse(Array(header.serialized[..<length])) }
  }

  @Test(
    "S32: a field with another value than it may have is an error",
    arguments: [
      (0, 2, .unknownVersion("hash store header", found: 2)), (4, 2, .unknownFlags(2)),
      (8, 0, .unknownAlgorithm(0)), (28, 9, .reservedNotZero(9)),
    ] as [(Int, UInt32, StoreFormatError)])
  func fields(offset: Int, value: UInt32, error: StoreFormatError) {
    let bytes = StoreHeader(dump: DumpTests.dump, dumpOffset: nil, maxIncarnations: 1).serialized
    #expect(throws: error) { try parse(resealed(bytes, at: offset, value)) }
  }

  @Test("S32: a dump that is not inline must be aligned and in the file")
  func dumpOffset() {
    for offset in [0x50200, 0x4000_0000, 0xFFFF_FFFF_FFFF_0000] as [StorageOffset] {
      let header = StoreHeader(dump: DumpTests.dump, dumpOffset: offset, maxIncarnations: 1)
      #expect(throws: StoreFormatError.self) { try parse(header.serialized) }
    }
  }

  @Test("Any changed bit is noticed", arguments: 0..<76)
  func changedBits(byte: Int) {
    let bytes = StoreHeader(dump: DumpTests.dump, dumpOffset: nil, maxIncarnations: 1).serialized
    for bit in 0..<8 {
      var changed = bytes
      changed[byte] ^= 1 << bit
      // A bit of the offset makes the dump one that is not inline, which is checked apart.
      #expect(throws: StoreFormatError.self) {
        try parse(changed).checkDump(DumpTests.dump.serialized)
      }
    }
  }

  @Test("S12: any changed bit of a trailer is noticed", arguments: 0..<64)
  func trailerBits(byte: Int) throws {
    let trailer = IncarnationTrailer(
      order: 9, sequence: 3, usedEntries: 2000, filterChecksum: 4, tableChecksum: 5)
    #expect(try IncarnationTrailer(parsing: trailer.serialized) == trailer)
    for bit in 0..<8 {
      var changed = trailer.serialized
      changed[byte] ^= 1 << bit
      #expect(throws: StoreFormatError.self) { try IncarnationTrailer(parsing: changed) }
    }
    #expect(throws: StoreFormatError.self) {
      try IncarnationTrailer(parsing: Array(trailer.serialized[..<byte]))
    }
  }

  @Test("S12: the bytes of a trailer are exact")
  func trailerBytes() {
    let trailer = IncarnationTrailer(
      order: 9, sequence: 3, usedEntries: 2000, filterChecksum: 4, tableChecksum: 5)
    var expected = Array("QDINCARN".utf8)
    for value in [1, 9] as [UInt32] { expected.append(bigEndian: value) }
    for value in [3, 2000, 4, 5, 0] as [UInt64] { expected.append(bigEndian: value) }
    expected.append(bigEndian: expected.withUnsafeBytes { XXH3Stream.hash($0) })
    #expect(trailer.serialized == expected)
  }
}
