import DiskIO
import Glibc
import SystemPackage
import Testing
import TestSupport

/// Writes of many pieces as one run.
@Suite struct GatheringTests {
  let scratch: TemporaryDirectory
  init() throws { scratch = try TemporaryDirectory() }

  @Test(
    "Pieces come one after another, also more than one call takes",
    arguments: [0, 1, 2, 1023, 1024, 1025, 2048, 5000])
  func gathers(count: Int) throws {
    let content = randomBytes(count * 7, seed: UInt64(count))
    let file = try OwnedFile.writable(scratch.file("data"))
    try Self.withPieces(of: content, lengths: (0..<count).map { ($0 + 1) % 12 }) { pieces in
      try file.write(gathering: pieces, at: 1000)
    }
    let length = (0..<count).reduce(0) { $0 + ($1 + 1) % 12 }
    #expect(try file.size() == (length == 0 ? 0 : 1000 + UInt64(length)))
    #expect(try file.bytes(length + 1, at: 1000) == Array(content[..<length]))
  }

  @Test("A call that wrote a part goes on in the middle of a piece")
  func goesOn() throws {
    // Linux writes at most 2 GiB − 4096 bytes a call; /dev/null takes that at once.
    let file = try OwnedFile.writable("/dev/null")
    let size = 3 << 20
    let memory = try AlignedBuffer(byteCount: size, purpose: "a test")
    let pieces = UnsafeMutableBufferPointer<iovec>.allocate(capacity: 1024)
    defer { pieces.deallocate() }
    pieces.initialize(repeating: iovec(iov_base: memory.bytes.baseAddress, iov_len: size))
    try file.write(gathering: pieces, at: 0)
    let first = (2 << 30) - 4096
    let rest = size - first % size
    let changed = pieces.indices.filter { pieces[$0].iov_len != size }
    #expect(changed == [first / size])
    #expect(pieces[first / size].iov_len == rest)
    #expect(pieces[first / size].iov_base == memory.bytes.baseAddress! + (size - rest))
  }

  @Test("A failed call names its place")
  func fails() throws {
    let file = try OwnedFile.writable("/dev/full")
    let error = #expect(throws: IOError.self) {
      try Self.withPieces(of: [1, 2, 3, 4], lengths: [2, 2]) { pieces in
        try file.write(gathering: pieces, at: 4096)
      }
    }
    #expect(error == IOError(.write, "/dev/full", at: 4096, reason: .noSpace))
  }

  /// Hands `content`, cut into pieces of these lengths, to `body`.
  static func withPieces(
    of content: [UInt8], lengths: [Int], _ body: (UnsafeMutableBufferPointer<iovec>) throws -> Void
  ) throws {
    var content = content
    try content.withUnsafeMutableBytes { bytes in
      var (pieces, start) = ([iovec](), 0)
      for length in lengths {
        pieces.append(iovec(iov_base: bytes.baseAddress! + start, iov_len: length))
        start += length
      }
      try pieces.withUnsafeMutableBufferPointer { try body($0) }
    }
  }
}
