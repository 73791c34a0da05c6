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

  @Test("QEMU's own snapshot table comes back byte for byte")
  func encodesAsQEMU() throws {
    let path = scratch.file("snapshots.qcow2")
    try QemuImage.run(["create", "-q", "-f", "qcow2", path.string, "3M"]).expectingExit(0)
    for (number, name) in ["one", "zwei äöü", String(repeating: "n", count: 200)].enumerated() {
      try QemuImage(path).perform("write -P \(number + 1) \(number)M 64k")
      try QemuImage.run(["snapshot", "-c", name, path.string]).expectingExit(0)
      if number == 0 { try QemuImage.run(["resize", "-q", path.string, "5M"]).expectingExit(0) }
    }
    let file = try ImageFile(try OwnedFile(readingFrom: path))
    let metadata = try ImageMetadata(file)
    let entries = try SnapshotTable.entries(metadata, from: file)
    #expect(entries.map { $0.name.count } == [3, 11, 200])
    let encoded = entries.flatMap { $0.encoded() }
    let start = Int(metadata.header.snapshotsOffset.bytes)
    var image = try TemporaryDirectory.content(of: path)
    // The last entry's padding may not be there.
    image.pad(toMultipleOf: 65_536)
    #expect(encoded == Array(image[start..<start + encoded.count]))
    #expect(
      try SnapshotTable.read(metadata, from: file).map(\.virtualSize) == [
        3 << 20, 5 << 20, 5 << 20,
      ])
  }

  @Test("QEMU reads a snapshot table that was encoded here, and unknown extra data stays")
  func qemuReadsEncoded() throws {
    let path = scratch.file("snapshots.qcow2")
    try QemuImage.run(["create", "-q", "-f", "qcow2", path.string, "1M"]).expectingExit(0)
    try QemuImage(path).perform("write -P 1 0 64k")
    try QemuImage.run(["snapshot", "-c", "one", path.string]).expectingExit(0)
    var image = try TemporaryDirectory.content(of: path)
    image.pad(toMultipleOf: 65_536)
    let (metadata, entries) = try self.entries(of: path)
    var entry = try #require(entries.first)
    entry.name = Array("renamed".utf8)
    entry.seconds = 1_700_000_000
    entry.nanoseconds = 5
    entry.guestNanoseconds = 1 << 40
    entry.extraData += [UInt8](repeating: 0xEE, count: 16)
    let start = Int(metadata.header.snapshotsOffset.bytes)
    image.replaceSubrange(start..<start + entry.encoded().count, with: entry.encoded())
    _ = try scratch.make("renamed.qcow2", image)
    let renamed = scratch.file("renamed.qcow2")
    #expect(try self.entries(of: renamed).entries == [entry])
    try QemuImage(renamed).check().expectingExit(0)
    let list = try QemuImage.run(["snapshot", "-l", renamed.string]).expectingExit(0)
    #expect(list.output.contains("renamed") && list.output.contains("2023-11-14"))
  }

  private func entries(
    of path: FilePath
  ) throws -> (metadata: ImageMetadata, entries: [SnapshotEntry]) {
    let file = try ImageFile(try OwnedFile(readingFrom: path))
    let metadata = try ImageMetadata(file)
    return (metadata, try SnapshotTable.entries(metadata, from: file))
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
