import DiskIO
import QCOW2
import SystemPackage
import TestSupport
import Testing

/// Snapshot tables that QEMU does not make.
@Suite struct SnapshotTableTests {
  let scratch: TemporaryDirectory

  init() throws { scratch = try TemporaryDirectory() }

  @Test("Ids and names are cut where QEMU cuts them")
  func longNames() throws {
    let long = [UInt8](repeating: UInt8(ascii: "x"), count: 65_535)
    let snapshots = try read([(long, long), (Array("2".utf8), Array("short".utf8))])
    try #require(snapshots.count == 2)
    #expect(snapshots[0].id.utf8.elementsEqual(long.prefix(255)))
    #expect(snapshots[0].name.utf8.elementsEqual(long.prefix(255)))
    #expect(snapshots[1].id == "2")
    #expect(snapshots[1].name == "short")
  }

  @Test("Names that are no text are read as bytes")
  func notText() throws {
    let snapshots = try read([([0xFF, 0x41], [0x1B, 0]), ([], [0xC3])])
    #expect(snapshots.map(\.id) == ["\u{FFFD}A", ""])
    #expect(snapshots.map(\.name) == ["\u{1B}\0", "\u{FFFD}"])
  }

  @Test("A table of more than 64 MiB is refused")
  func tooLarge() throws {
    let long = [UInt8](repeating: 0, count: 65_496)
    #expect(try read(Array(repeating: (long, []), count: 1024)).count == 1024)
    #expect {
      try read(Array(repeating: (long, []), count: 1025))
    } throws: { error in
      "\(error)".contains("snapshot table of more than 67108864 bytes")
    }
  }

  /// The snapshots of an image with these ids and names.
  private func read(_ names: [(id: [UInt8], name: [UInt8])]) throws -> [Snapshot] {
    var bytes = try header()
    bytes.pad(toMultipleOf: 131_072)
    bytes.withUnsafeMutableBytes {
      $0.storeBigEndian(UInt32(names.count), at: 60)
      $0.storeBigEndian(131_072 as UInt64, at: 64)
    }
    for (id, name) in names {
      bytes.append(bigEndian: 65_536 as UInt64)
      bytes.append(bigEndian: 1 as UInt32)
      bytes.append(bigEndian: UInt16(id.count))
      bytes.append(bigEndian: UInt16(name.count))
      bytes += [UInt8](repeating: 0, count: 24) + id + name
      bytes.pad(toMultipleOf: 8)
    }
    let path = try scratch.make("snapshots.qcow2", bytes)
    let file = try ImageFile(try OwnedFile(readingFrom: path))
    return try SnapshotTable.read(try ImageMetadata(file), from: file)
  }

  /// The first bytes of an empty image.
  private func header() throws -> [UInt8] {
    let image = try WrittenImage(scratch, clusterSize: 65_536, virtualSize: 1 << 20)
    try image.finish()
    return Array(try TemporaryDirectory.content(of: image.path).prefix(65_536))
  }
}
