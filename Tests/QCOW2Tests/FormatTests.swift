import DiskIO
import QCOW2
import Testing

/// Header extensions, feature names, table entries and widths.
@Suite struct FormatTests {
  @Test("An extension is padded to 8 bytes, its length is not", arguments: 0...17)
  func padding(count: Int) {
    let data = [UInt8](repeating: 7, count: count)
    let bytes = HeaderExtension(type: 0xCD8E_819B, data: data).encoded()
    #expect(bytes.count == 8 + (count + 7) / 8 * 8)
    #expect(Array(bytes[..<8]) == [0xCD, 0x8E, 0x81, 0x9B, 0, 0, 0, UInt8(count)])
    #expect(Array(bytes[8..<8 + count]) == data)
    #expect(bytes[(8 + count)...].allSatisfy { $0 == 0 })
  }

  @Test("The end of the extensions is 8 zero bytes")
  func end() {
    #expect(HeaderExtension.end.encoded() == [UInt8](repeating: 0, count: 8))
  }

  @Test("The feature name table has 48 bytes a feature: kind, bit, name")
  func names() {
    let table = ImageFeature.nameTable([
      ImageFeature(.autoclear, bit: 63, name: "hash store"),
      ImageFeature(.autoclear, bit: 2, name: "é"),
    ])
    #expect(table.type == 0x6803_F857)
    #expect(table.data.count == 96)
    #expect(Array(table.data[..<12]) == [2, 63] + Array("hash store".utf8))
    #expect(table.data[12..<48].allSatisfy { $0 == 0 })
    #expect(Array(table.data[48..<52]) == [2, 2, 0xC3, 0xA9])
    #expect(table.data[52...].allSatisfy { $0 == 0 })
  }

  @Test("A name takes at most 46 bytes", arguments: [45, 46, 47, 200])
  func longNames(count: Int) {
    let name = String(repeating: "n", count: count)
    let table = ImageFeature.nameTable([ImageFeature(.autoclear, bit: 0, name: name)])
    #expect(table.data.count == 48)
    #expect(table.data[2...].filter { $0 != 0 }.count == min(46, count))
  }

  @Test("Table entries have their flags and offsets")
  func entries() {
    let host = HostOffset(0x00FF_FFFF_FFFF_FE00)
    #expect(TableEntry.standard(host, isCopied: true) == 0x80FF_FFFF_FFFF_FE00)
    #expect(TableEntry.standard(host, isCopied: false) == 0x00FF_FFFF_FFFF_FE00)
    #expect(TableEntry.hostOffset(0x80FF_FFFF_FFFF_FE00) == host)
    #expect(TableEntry.hostOffset(0x8000_0000_0000_0200) == HostOffset(512))
    #expect(TableEntry.hostOffset(0) == nil)
    #expect(TableEntry.hostOffset(0xFF00_0000_0000_01FF) == nil)
    #expect(HostOffset(1) < HostOffset(2))
  }

  @Test(
    "Refcounts are 16 bits wide up to 32,767, which a snapshot still doubles",
    arguments: [
      (0, RefcountWidth.bits16), (1, .bits16), (255, .bits16), (32_766, .bits16),
      (32_767, .bits16), (32_768, .bits32), (65_535, .bits32), (65_536, .bits32),
      (RefcountWidth.highest, .bits32), (UInt32.max, .bits32),
    ] as [(UInt32, RefcountWidth)])
  func widths(highest: UInt32, width: RefcountWidth) {
    #expect(RefcountWidth(forHighest: highest) == width)
    #expect(width.byteCount == (width == .bits16 ? 2 : 4))
    #expect(1 << width.order == width.rawValue)
    #expect(RefcountWidth.highest &* 2 == UInt32.max - 1)
  }
}
