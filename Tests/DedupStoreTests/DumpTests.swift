import DedupStore
import Testing
import TestSupport

@Suite struct DumpTests {
  static let dump = StoreDump(order: 1, incarnations: [0x30000, 0x10000], limbo: [0x20000])

  private func parse(
    _ bytes: [UInt8], fileSize: UInt64 = 1 << 30, alignment: UInt64 = 65536
  ) throws -> StoreDump {
    try StoreDump.parse(bytes, fileSize: fileSize, alignment: alignment).dump
  }

  @Test("S29: the size is 12 and 8 for each offset", arguments: [(0, 0), (1, 0), (0, 1), (128, 3)])
  func s29Size(incarnations: Int, limbo: Int) {
    let dump = StoreDump(
      order: 14, incarnations: .init(repeating: 512, count: incarnations),
      limbo: .init(repeating: 512, count: limbo))
    #expect(dump.byteCount == 12 + 8 * incarnations + 8 * limbo)
    #expect(dump.serialized.count == dump.byteCount)
  }

  @Test("S30: order, counts, incarnations youngest first, limbo newest first")
  func s30Bytes() {
    #expect(
      Self.dump.serialized == [
        0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1,
        0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0,
      ])
  }

  @Test("S31: parsing gives the same dump, both orders included")
  func s31RoundTrip() throws {
    var generator = SplitMix64(seed: 31)
    for _ in 0..<200 {
      let offsets = (1...40).map { StorageOffset($0 << 16) }.shuffled(using: &generator)
      let incarnations = Int(generator.next() % 41)
      let dump = StoreDump(
        order: 8, incarnations: Array(offsets[..<incarnations]),
        limbo: Array(offsets[incarnations...]))
      #expect(try parse(dump.serialized) == dump)
    }
  }

  @Test("S32: parsing returns the bytes that it used")
  func s32UsedBytes() throws {
    let parsed = try StoreDump.parse(
      Self.dump.serialized + [1, 2, 3, 4, 5], fileSize: 1 << 30, alignment: 512)
    #expect(parsed.byteCount == 36)
    #expect(parsed.dump == Self.dump)
  }

  @Test("S32: too short a buffer is an error at every length", arguments: 0..<36)
  func s32Truncated(length: Int) {
    let needed: UInt64 = length < 12 ? 12 : 36
    #expect(
      throws: StoreFormatError.truncated(
        "hash store dump", needed: needed, available: UInt64(length))
    ) { try parse(Array(Self.dump.serialized[..<length])) }
  }

  @Test("S32: counts that no buffer could hold are an error")
  func s32HugeCounts() {
    let bytes: [UInt8] = [0, 0, 0, 14] + .init(repeating: 0xFF, count: 64)
    #expect(
      throws: StoreFormatError.truncated(
        "hash store dump", needed: 12 + 8 * 2 * 0xFFFF_FFFF, available: 68)
    ) { try parse(bytes) }
  }

  @Test("S32: an order out of range is an error", arguments: [0, 32, UInt32.max])
  func s32Order(order: UInt32) {
    let dump = StoreDump(order: order, incarnations: [], limbo: [])
    #expect(throws: StoreFormatError.orderOutOfRange(order)) { try parse(dump.serialized) }
  }

  @Test(
    "S32: an unaligned offset is an error",
    arguments: [1, 511, 65535, 0x10200, 0xFFFF_FFFF_FFFF_FFFF] as [StorageOffset])
  func s32Unaligned(offset: StorageOffset) {
    let dump = StoreDump(order: 1, incarnations: [0x40000], limbo: [offset])
    #expect(throws: StoreFormatError.unaligned(offset: offset, alignment: 65536)) {
      try parse(dump.serialized)
    }
  }

  @Test("S32: an alignment below 512 counts as 512", arguments: [0, 1, 512] as [UInt64])
  func s32SmallAlignment(alignment: UInt64) {
    let dump = StoreDump(order: 1, incarnations: [768], limbo: [])
    #expect(throws: StoreFormatError.unaligned(offset: 768, alignment: 512)) {
      try parse(dump.serialized, alignment: alignment)
    }
  }

  @Test(
    "S32: an offset in the first cluster or outside the file is an error",
    arguments: [0, 0x10000, 0x20000, 0xFFFF_FFFF_FFFF_0000] as [StorageOffset])
  func s32OutsideFile(offset: StorageOffset) {
    let dump = StoreDump(order: 1, incarnations: [offset], limbo: [])
    #expect(
      throws: StoreFormatError.outsideFile(
        offset: offset, byteCount: 8192, allowed: 65536..<(65536 + 8191))
    ) { try parse(dump.serialized, fileSize: 65536 + 8191) }
  }

  @Test("S32: an incarnation may end with the file")
  func s32EndOfFile() throws {
    let dump = StoreDump(order: 1, incarnations: [65536], limbo: [])
    #expect(try parse(dump.serialized, fileSize: 65536 + 8192) == dump)
  }

  @Test("S32: overlapping spaces are an error, within a list and between them")
  func s32Overlapping() {
    let error = StoreFormatError.overlapping(offset: 0x11000, other: 0x10000, byteCount: 8192)
    for dump in [
      StoreDump(order: 1, incarnations: [0x11000, 0x10000], limbo: []),
      StoreDump(order: 1, incarnations: [0x10000], limbo: [0x11000]),
    ] {
      #expect(throws: error) { try parse(dump.serialized, alignment: 4096) }
    }
    let twice = StoreDump(order: 1, incarnations: [0x10000], limbo: [0x10000])
    #expect(throws: StoreFormatError.self) { try parse(twice.serialized) }
  }

  @Test("S32: random bytes never trap")
  func s32RandomBytes() {
    var generator = SplitMix64(seed: 32)
    for _ in 0..<20_000 {
      var bytes = Self.dump.serialized
      for _ in 0...generator.next() % 3 {
        bytes[Int(generator.next() % UInt64(bytes.count))] = UInt8(
          truncatingIfNeeded: generator.next())
      }
      _ = try? StoreDump.parse(
        bytes, fileSize: generator.next() >> (generator.next() % 64), alignment: 512)
    }
  }
}
