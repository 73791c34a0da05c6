import DiskIO
import DiskImage
import QCOW2
import SystemPackage
import Testing
import TestSupport

/// Header extensions in the first cluster.
@Suite struct HeaderRoomTests {
  let scratch: TemporaryDirectory
  init() throws { scratch = try TemporaryDirectory() }

  private static let feature = ImageFeature(.autoclear, bit: 63, name: "hash store")

  @Test("An extension of the promised size fits", arguments: [512, 1024, 4096, 65_536])
  func fits(clusterSize: Int) throws {
    let image = try WrittenImage(scratch, clusterSize: clusterSize, virtualSize: 1 << 20)
    try image.store(3, at: 2)
    let room = image.writer.roomForExtension(besides: [Self.feature])
    #expect(room > 100)
    let data = [UInt8](repeating: 9, count: room)
    try image.finish(
      features: [Self.feature], extensions: [HeaderExtension(type: 0xCD8E_819B, data: data)])
    let bytes = try TemporaryDirectory.content(of: image.path)
    #expect(Array(bytes[88..<96]) == [0x80, 0, 0, 0, 0, 0, 0, 0])
    #expect(Array(bytes[112..<120]) == [0x68, 0x03, 0xF8, 0x57, 0, 0, 0, 48])
    #expect(Array(bytes[120..<132]) == [2, 63] + Array("hash store".utf8))
    #expect(Array(bytes[168..<172]) == [0xCD, 0x8E, 0x81, 0x9B])
    #expect(Array(bytes[176..<176 + room]) == data)
  }

  @Test("QEMU clears the feature's bit before it writes, and keeps the extension")
  func autoclear() throws {
    let image = try WrittenImage(scratch, clusterSize: 4096, virtualSize: 1 << 20)
    try image.store(3, at: 2)
    let room = image.writer.roomForExtension(besides: [Self.feature])
    let data = [UInt8](repeating: 9, count: room)
    try image.finish(
      features: [Self.feature], extensions: [HeaderExtension(type: 0xCD8E_819B, data: data)])
    try QemuImage(image.path).perform("write -P 1 0 512")
    let bytes = try TemporaryDirectory.content(of: image.path)
    #expect(Array(bytes[88..<96]) == [UInt8](repeating: 0, count: 8))
    #expect(bytes[..<4096].count { $0 == 9 } >= room)
  }

  @Test("An extension that does not fit is an error with both sizes")
  func tooLarge() throws {
    let geometry = try #require(ClusterGeometry(clusterSize: 512))
    let image = try EmptyImage(scratch, geometry, virtualSize: 1 << 20)
    let item = HeaderExtension(type: 1, data: [UInt8](repeating: 1, count: 385))
    let error = #expect(throws: ImageWriterError.self) {
      try image.writer.finish(virtualSize: 1 << 20, extensions: [item])
    }
    #expect(error == .headerTooLarge(bytes: 520, limit: 512))
    #expect(error?.remedies == [.useLargerClusters(atLeast: nil)])
  }

  @Test("Header and extensions stay within 4096 bytes at every cluster size", arguments: 9...21)
  func within4096(clusterBits: Int) throws {
    let geometry = try #require(ClusterGeometry(clusterSize: 1 << clusterBits))
    let image = try EmptyImage(scratch, geometry, virtualSize: 1 << 20)
    let room = image.writer.roomForExtension(besides: [Self.feature])
    // Header, feature names, the extension itself and the end marker.
    #expect(112 + 56 + 8 + room + 8 <= min(4096, geometry.clusterSize))
    let item = HeaderExtension(type: 1, data: [UInt8](repeating: 1, count: 4000))
    let error = #expect(throws: ImageWriterError.self) {
      try image.writer.finish(virtualSize: 1 << 20, extensions: [item])
    }
    #expect(error == .headerTooLarge(bytes: 4128, limit: min(4096, geometry.clusterSize)))
  }

  @Test(
    "The L1 table is in front if the size is known, else after the data", arguments: [true, false])
  func placeOfL1(isKnown: Bool) throws {
    let geometry = try #require(ClusterGeometry(clusterSize: 4096))
    let image = try EmptyImage(scratch, geometry, virtualSize: isKnown ? 1 << 20 : nil)
    let data = try image.writer.allocateData(for: GuestOffset(0))
    image.writer.addReferences(1, to: ClusterMapping(standard: data))
    try image.writer.map(GuestOffset(0), to: ClusterMapping(standard: data))
    _ = try image.writer.finish(virtualSize: 1 << 20)
    try image.file.publish(replacing: true, sync: false)
    let metadata = try ImageMetadata(try ImageFile(try OwnedFile(readingFrom: image.file.path)))
    #expect((metadata.header.l1Offset < data) == isKnown)
    #expect(metadata.header.l1Offset.bytes == (isKnown ? 4096 : 3 * 4096))
    try QemuImage(image.file.path).check().expectingExit(0)
  }
}
