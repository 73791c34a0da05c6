import DiskIO
import Testing

/// Numbers in big-endian bytes.
@Suite struct BigEndianTests {
  @Test("A number is stored with its highest byte first, at any offset", arguments: 0...9)
  func stores(offset: Int) {
    var bytes = [UInt8](repeating: 0xEE, count: 17)
    bytes.withUnsafeMutableBytes { $0.storeBigEndian(0x0102_0304_0506_0708 as UInt64, at: offset) }
    var expected = [UInt8](repeating: 0xEE, count: 17)
    expected.replaceSubrange(offset..<offset + 8, with: 1...8)
    #expect(bytes == expected)
    let loaded = bytes.withUnsafeBytes { $0.loadBigEndian(UInt64.self, at: offset) }
    #expect(loaded == 0x0102_0304_0506_0708)
  }

  @Test("Numbers of all widths are stored, signed and unsigned")
  func widths() {
    var bytes: [UInt8] = []
    bytes.append(bigEndian: 0x12 as UInt8)
    bytes.append(bigEndian: 0x3456 as UInt16)
    bytes.append(bigEndian: 0x789A_BCDE as UInt32)
    bytes.append(bigEndian: -2 as Int16)
    bytes.append(bigEndian: UInt64.max - 1)
    #expect(
      bytes == [
        0x12, 0x34, 0x56, 0x78, 0x9A, 0xBC, 0xDE, 0xFF, 0xFE,
        0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE,
      ])
  }

  @Test("Padding goes to the next multiple and no further", arguments: 0...17)
  func pads(count: Int) {
    var bytes = [UInt8](repeating: 9, count: count)
    bytes.pad(toMultipleOf: 8)
    #expect(bytes.count == (count + 7) / 8 * 8)
    #expect(bytes.prefix(count).allSatisfy { $0 == 9 })
    #expect(bytes.dropFirst(count).allSatisfy { $0 == 0 })
  }

  @Test("A reader takes numbers one after another")
  func reader() throws {
    var reader = ByteReader([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15])
    #expect(try reader.next(UInt16.self) == 0x0102)
    #expect(try reader.next() as UInt32 == 0x0304_0506)
    #expect(try reader.next() as UInt8 == 7)
    #expect(try reader.next(UInt64.self) == 0x0809_0A0B_0C0D_0E0F)
    #expect(reader.offset == 15)
  }

  @Test("A reader stops at the end and stays where it is", arguments: 0...8)
  func truncated(count: Int) throws {
    var reader = ByteReader([UInt8](repeating: 1, count: count))
    let error = #expect(throws: ByteReader.Truncated.self) {
      while true { _ = try reader.next(UInt32.self) }
    }
    #expect(error?.offset == count / 4 * 4)
    #expect(error?.needed == 4)
    #expect(error?.available == count)
    #expect(reader.offset == count / 4 * 4)
    for _ in 0..<count % 4 { #expect(try reader.next(UInt8.self) == 1) }
  }
}
