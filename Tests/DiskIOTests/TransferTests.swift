import DiskIO
import Glibc
import SystemPackage
import Testing
import TestSupport

/// Positioned reads and writes.
@Suite struct TransferTests {
  let scratch: TemporaryDirectory
  init() throws { scratch = try TemporaryDirectory() }

  @Test("A read gets what is at its place", arguments: [0, 1, 4095, 4096, 9_999])
  func reads(offset: Int) throws {
    let content = randomBytes(10_000, seed: 1)
    let file = try OwnedFile(readingFrom: try scratch.make("data", content))
    let expected = Array(content[offset..<min(offset + 100, content.count)])
    #expect(try file.bytes(100, at: UInt64(offset)) == expected)
  }

  @Test("A read is short only at the file's end")
  func shortReads() throws {
    let content = randomBytes(1000, seed: 2)
    let file = try OwnedFile(readingFrom: try scratch.make("data", content))
    #expect(try file.bytes(1000, at: 0).count == 1000)
    #expect(try file.bytes(1001, at: 0).count == 1000)
    #expect(try file.bytes(10, at: 995) == Array(content[995...]))
    #expect(try file.bytes(10, at: 1000).isEmpty)
    #expect(try file.bytes(10, at: 1 << 62).isEmpty)
    #expect(try file.bytes(0, at: 0).isEmpty)
  }

  @Test("What memory has of a file is read at once, up to its end")
  func cachedReads() throws {
    let content = randomBytes(100_000, seed: 5)
    // What is on tmpfs is in memory always.
    let path = FilePath("/dev/shm/\(scratch.path.lastComponent!.string)")
    defer { unlink(path.string) }
    let file = try OwnedFile.writable(path)
    try file.write(content, at: 0)
    let buffer = try AlignedBuffer(byteCount: 10_000, purpose: "a test")
    let isRead = file.readCached(into: buffer.bytes, at: 90_000)
    #expect(isRead)
    #expect(Array(buffer.bytes) == Array(content[90_000...]))
    for offset in [90_001, 100_000, 1 << 62, 1 << 63] as [UInt64] {
      let isRead = file.readCached(into: buffer.bytes, at: offset)
      #expect(!isRead)
    }
  }

  @Test("On any file system a read at once gets what is there, or nothing")
  func cachedReadsAnywhere() throws {
    let content = randomBytes(1 << 18, seed: 6)
    for folder in [scratch.path, "/var/tmp"] {
      let path = folder.appending("qdedup-\(scratch.path.lastComponent!.string)")
      defer { unlink(path.string) }
      let file = try OwnedFile.writable(path)
      try file.write(content, at: 0)
      try file.sync()
      let buffer = try AlignedBuffer(byteCount: content.count, purpose: "a test")
      for isDropped in [false, true] {
        if isDropped { file.dropCache() }
        guard file.readCached(into: buffer.bytes, at: 0) else { continue }
        #expect(Array(buffer.bytes) == content)
      }
    }
  }

  @Test("An exact read that ends early fails where the bytes are missing")
  func exactReads() throws {
    let path = try scratch.make("data", randomBytes(1000, seed: 3))
    let file = try OwnedFile(readingFrom: path)
    let buffer = try AlignedBuffer(byteCount: 100, purpose: "a test")
    try file.readExactly(into: buffer.bytes, at: 900)
    let error = #expect(throws: IOError.self) {
      try file.readExactly(into: buffer.bytes, at: 901)
    }
    #expect(error == IOError(.read, path, at: 1000, reason: .ioError))
  }

  @Test("A write changes its place and nothing else; a gap reads as zeros")
  func writes() throws {
    let path = try scratch.make("data", [UInt8](repeating: 7, count: 100))
    let file = try OwnedFile.writable(path)
    try file.write([1, 2, 3], at: 50)
    try file.write([UInt8](), at: 10)
    try file.write([9], at: 5_000)
    var expected = [UInt8](repeating: 7, count: 100)
    expected.replaceSubrange(50..<53, with: [1, 2, 3])
    expected += [UInt8](repeating: 0, count: 4_900) + [9]
    #expect(try TemporaryDirectory.content(of: path) == expected)
  }

  @Test("Bytes in memory are written as they are")
  func writesMemory() throws {
    let content = randomBytes(300_000, seed: 4)
    let file = try OwnedFile.writable(scratch.file("data"))
    let memory = try AlignedBuffer(byteCount: content.count, purpose: "a test")
    memory.bytes.copyBytes(from: content)
    try file.write(UnsafeRawBufferPointer(memory.bytes), at: 17)
    #expect(try file.bytes(300_017, at: 0) == [UInt8](repeating: 0, count: 17) + content)
  }
}
