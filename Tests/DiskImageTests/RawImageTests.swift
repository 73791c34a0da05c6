import DiskIO
import DiskImage
import Foundation
import SystemPackage
import Testing
import TestSupport

/// Raw files as disks.
@Suite struct RawImageTests {
  let scratch: TemporaryDirectory
  init() throws { scratch = try TemporaryDirectory() }

  @Test(
    "A size is rounded up to sectors, and what is added reads as zeros",
    arguments: [(0, 0), (1, 512), (511, 512), (512, 512), (513, 1024), (70_001, 70_144)])
  func sizes(fileSize: Int, virtualSize: UInt64) throws {
    let content = randomBytes(fileSize, seed: 1)
    let path = try scratch.make("disk", content)
    let image = try RawImage(try OwnedFile(readingFrom: path))
    #expect(image.path == path)
    #expect(image.fileSize == UInt64(fileSize))
    #expect(image.virtualSize == virtualSize)
    let padding = [UInt8](repeating: 0, count: Int(virtualSize) - fileSize)
    #expect(try image.bytes(Int(virtualSize), at: 0) == content + padding)
    #expect(try image.dataRanges() == (fileSize == 0 ? [] : [guestRange(0..<UInt64(fileSize))]))
  }

  @Test("After the end there are zeros", arguments: [999, 1000, 1001, 5000, 1 << 62, UInt64.max])
  func behindEnd(offset: UInt64) throws {
    let content = randomBytes(1000, seed: 2)
    let image = try RawImage(try OwnedFile(readingFrom: scratch.make("disk", content)))
    var expected = [UInt8](repeating: 0, count: 100)
    if offset == 999 { expected[0] = content[999] }
    #expect(try image.bytes(100, at: offset) == expected)
    #expect(try image.nextData(from: GuestOffset(max(offset, 1000))) == nil)
  }

  @Test("Holes are skipped")
  func holes() throws {
    let path = scratch.file("disk")
    try Self.write([(1 << 20, 8192), (3 << 20, 4096)], size: 4 << 20, to: path)
    let image = try RawImage(try OwnedFile(readingFrom: path))
    let first = UInt64(1) << 20
    let second = UInt64(3) << 20
    #expect(
      try image.dataRanges() == [
        guestRange(first..<first + 8192), guestRange(second..<second + 4096),
      ])
    #expect(
      try image.nextData(from: GuestOffset(first + 100)) == guestRange(first + 100..<first + 8192))
    #expect(try image.bytes(4096, at: 0) == [UInt8](repeating: 0, count: 4096))
    #expect(try image.bytes(8192, at: first) == randomBytes(8192, seed: first))
  }

  @Test("A file that became shorter is an error with its place")
  func shrank() throws {
    let path = try scratch.make("disk", randomBytes(10_000, seed: 3))
    let image = try RawImage(try OwnedFile(readingFrom: path))
    #expect(truncate(path.string, 5000) == 0)
    #expect(try image.bytes(904, at: 4096) == Array(randomBytes(10_000, seed: 3)[4096..<5000]))
    let error = #expect(throws: ImageError.self) { try image.bytes(4096, at: 4096) }
    #expect(error == .shrank(path, offset: 5000))
    let behind = #expect(throws: ImageError.self) { try image.bytes(100, at: 9000) }
    #expect(behind == .shrank(path, offset: 5000))
  }

  @Test("A file that became shorter does not pass for one that ends in a hole")
  func shrankDuringSearch() throws {
    let path = try scratch.make("disk", randomBytes(10_000, seed: 3))
    let image = try RawImage(try OwnedFile(readingFrom: path))
    #expect(truncate(path.string, 5000) == 0)
    let error = #expect(throws: ImageError.self) { try image.dataRanges() }
    #expect(error == .shrank(path, offset: 5000))
  }

  @Test("Clusters with data are counted once each")
  func dataClusters() throws {
    let path = scratch.file("disk")
    // Three extents in the clusters 16 and 17 of 64 KiB, and the last sector of the disk.
    let start = 16 << 16
    try Self.write(
      [(start, 4096), (start + 3 << 13, 4096), (start + 1 << 16, 4096), (4 << 20, 512)],
      size: 4 << 20 + 512, to: path)
    let image = try RawImage(try OwnedFile(readingFrom: path))
    func count(_ size: Int) throws -> UInt64 {
      try image.dataClusterCount(#require(ClusterGeometry(clusterSize: size)))
    }
    #expect(try count(4096) == 4)
    #expect(try count(65_536) == 3)
    #expect(try count(2 << 20) == 2)
    #expect(try count(512) == 25)
  }

  @Test("The identity is that of the file")
  func identity() throws {
    let path = try scratch.make("disk", [1])
    let image = try RawImage(try OwnedFile(readingFrom: path))
    #expect(try image.identity() == FileIdentity(of: path))
  }

  /// Writes a sparse file with random bytes, seeded by their offset, at some places.
  private static func write(
    _ extents: [(offset: Int, count: Int)], size: UInt64, to path: FilePath
  ) throws {
    let file = try FileDescriptor.open(
      path, .readWrite, options: .create, permissions: .ownerReadWrite)
    defer { try? file.close() }
    for (offset, count) in extents {
      try file.writeAll(
        toAbsoluteOffset: Int64(offset), randomBytes(count, seed: UInt64(offset)))
    }
    try file.resize(to: Int64(size))
  }

  @Test("A file with content but no size is refused, not taken for an empty disk")
  func withoutSize() throws {
    let path: FilePath = "/proc/version"
    let error = #expect(throws: ImageError.self) {
      try RawImage(try OwnedFile(readingFrom: path))
    }
    #expect(error == .unknownSize(path))
    let other = #expect(throws: ImageError.self) {
      try OwnedFile(readingFrom: path).detectedFormat()
    }
    #expect(other == .unknownSize(path))
  }

  @Test("A file of which less can be read than it has shows no format, not even raw")
  func unreadableHead() throws {
    // A file of sysfs has a size of 4096 bytes, whatever its content.
    let path: FilePath = "/sys/kernel/mm/transparent_hugepage/enabled"
    let file = try OwnedFile(readingFrom: path)
    try #require(try file.size() == 4096)
    let error = #expect(throws: ImageError.self) { try file.detectedFormat() }
    guard case .shrank(path, let offset) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(offset > 0 && offset < 100)
  }
}
