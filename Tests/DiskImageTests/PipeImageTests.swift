import DiskIO
import DiskImage
import Foundation
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// Disks that come through a pipe.
@Suite struct PipeImageTests {
  @Test(
    "Every byte arrives once and in order, whatever the pieces",
    arguments: [0, 1, 511, 512, 513, 100_000], [1, 2, 3])
  func pieces(count: Int, seed: UInt64) throws {
    let content = randomBytes(count, seed: seed)
    let pipe = try PipeImage(try Self.pipe(writing: content, seed: seed)) { false }
    #expect(pipe.byteCount == 0)
    #expect(pipe.isEmpty == content.isEmpty)
    var generator = SplitMix64(seed: seed + 100)
    var seen: [UInt8] = []
    var isShort = false
    while !isShort {
      let wanted = Int(generator.next() % 5000) + 1
      let bytes = try Self.read(wanted, from: pipe)
      isShort = bytes.count < wanted
      seen += bytes
      #expect(pipe.byteCount == UInt64(seen.count))
    }
    #expect(seen == content)
    #expect(try Self.read(10, from: pipe).isEmpty)
  }

  @Test("The head shows a format and is not lost", arguments: [100, 512, 3000])
  func head(count: Int) throws {
    let content = [0x1F, 0x8B, 0x08] + randomBytes(count - 3, seed: 1)
    let pipe = try PipeImage(try Self.pipe(writing: content, seed: 1)) { false }
    #expect(pipe.detectedFormat == .gzip)
    #expect(try Self.read(5000, from: pipe) == content)
    #expect(pipe.detectedFormat == .gzip)
  }

  @Test("Raw data shows no format")
  func raw() throws {
    let content = [UInt8](repeating: 0, count: 600)
    let pipe = try PipeImage(try Self.pipe(writing: content, seed: 1)) { false }
    #expect(pipe.detectedFormat == nil)
    #expect(try Self.read(5000, from: pipe) == content)
  }

  @Test("A silent pipe asks whether to go on")
  func cancelledAtOnce() throws {
    let (reading, writing) = try TestPipe.make()
    defer { try? writing.close() }
    let asked = Atomic(0)
    let file = OwnedFile(owning: reading.rawValue, path: "pipe")
    let pipe = try PipeImage(file) { asked.wrappingAdd(1, ordering: .relaxed).newValue > 2 }
    #expect(asked.load(ordering: .relaxed) == 3)
    #expect(try Self.read(10, from: pipe).isEmpty)
  }

  @Test("A cancelled pipe hands out what it has and then seems to end")
  func cancelledLater() throws {
    let (reading, writing) = try TestPipe.make()
    defer { try? writing.close() }
    let content = randomBytes(600, seed: 2)
    try writing.writeAll(content)
    let isCancelled = Atomic(false)
    let file = OwnedFile(owning: reading.rawValue, path: "pipe")
    let pipe = try PipeImage(file) { isCancelled.load(ordering: .relaxed) }
    isCancelled.store(true, ordering: .relaxed)
    #expect(try Self.read(600, from: pipe) == Array(content[..<512]))
  }

  @Test("A pipe that cannot be read is an error with its place")
  func fails() throws {
    let folder = try TemporaryDirectory()
    let error = #expect(throws: ImageError.self) {
      _ = try PipeImage(try OwnedFile(readingFrom: folder.path)) { false }
    }
    #expect(error == .io(IOError(.read, folder.path, at: 0, reason: .isDirectory)))
  }

  private static func read(_ count: Int, from pipe: PipeImage) throws -> [UInt8] {
    let buffer = try AlignedBuffer(byteCount: count, purpose: "a test")
    let done = try pipe.read(into: buffer.bytes)
    return Array(buffer.bytes[..<done])
  }

  /// The reading end of a pipe into which a thread writes `content` in pieces of odd sizes.
  private static func pipe(writing content: [UInt8], seed: UInt64) throws -> OwnedFile {
    let (reading, writing) = try TestPipe.make()
    Thread.detachNewThread {
      var generator = SplitMix64(seed: seed)
      var rest = content[...]
      while !rest.isEmpty {
        let count = min(rest.count, Int(generator.next() % 1777) + 1)
        guard (try? writing.writeAll(rest.prefix(count))) != nil else { break }
        rest = rest.dropFirst(count)
      }
      try? writing.close()
    }
    return OwnedFile(owning: reading.rawValue, path: "pipe")
  }
}
