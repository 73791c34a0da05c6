import DiskIO
import QCOW2
import Testing

/// Header extensions, decoded from bytes that nobody vouches for.
@Suite struct HeaderExtensionTests {
  private let some = [
    HeaderExtension(type: 0x1234_5678, data: [1, 2, 3]), HeaderExtension(type: 7, data: []),
    HeaderExtension(type: 0x6803_F857, data: [UInt8](repeating: 9, count: 96)),
  ]

  @Test("What was encoded is decoded again, up to the end marker")
  func roundTrip() throws {
    let start = [UInt8](repeating: 0xEE, count: 16)
    let bytes = start + some.flatMap { $0.encoded() }
    #expect(try HeaderExtension.parseAll(bytes, from: 16) == some)
    let more = bytes + HeaderExtension.end.encoded() + some[0].encoded()
    #expect(try HeaderExtension.parseAll(more, from: 16) == some)
  }

  @Test("Up to seven bytes after the last extension are no extension", arguments: 0...7)
  func rest(count: Int) throws {
    let bytes = some[1].encoded() + [UInt8](repeating: 0xFF, count: count)
    #expect(try HeaderExtension.parseAll(bytes, from: 0) == [some[1]])
  }

  @Test("An extension that reaches beyond the end is refused", arguments: [4, 5, 100, 0xFFFF_FFFF])
  func long(length: UInt32) throws {
    var bytes: [UInt8] = []
    bytes.append(bigEndian: 5 as UInt32)
    bytes.append(bigEndian: length)
    let error = #expect(throws: FormatError.self) {
      try HeaderExtension.parseAll(bytes + [0, 0, 0], from: 0)
    }
    #expect(error?.reason == "header extension 0x5 at byte 0 has \(length) bytes, 3 are left")
  }

  @Test("An end marker with a length beyond the end is refused, as by QEMU")
  func longEnd() {
    let bytes: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0]
    #expect(throws: FormatError.self) { try HeaderExtension.parseAll(bytes, from: 0) }
    #expect(throws: Never.self) { try HeaderExtension.parseAll(bytes + [0], from: 0) }
  }

  @Test("Two extensions of one type are refused")
  func twice() {
    let bytes = some[0].encoded() + some[1].encoded() + some[0].encoded()
    let error = #expect(throws: FormatError.self) { try HeaderExtension.parseAll(bytes, from: 0) }
    #expect(error?.reason == "header extension 0x12345678 appears twice")
  }

  @Test("The names of features are read, and what is no name is left out")
  func names() {
    let features = [
      ImageFeature(.incompatible, bit: 17, name: "odd"),
      ImageFeature(.autoclear, bit: 63, name: "ö"),
      ImageFeature(.compatible, bit: 0, name: String(repeating: "x", count: 46)),
    ]
    var data = ImageFeature.nameTable(features).data
    #expect(ImageFeature.parseNameTable(data) == features)
    data[0] = 3  // no kind
    data[49] = 64  // no bit
    #expect(ImageFeature.parseNameTable(data + [0, 1, 2]) == [features[2]])
    #expect(ImageFeature.parseNameTable([]) == [])
  }
}
