import DiskIO
import SystemPackage
import TestSupport

extension OwnedFile {
  /// Opens a file for reading and writing; it is made if it is not there.
  static func writable(_ path: FilePath) throws -> OwnedFile {
    let opened = try FileDescriptor.open(
      path, .readWrite, options: [.create, .closeOnExec], permissions: .ownerReadWrite)
    return OwnedFile(owning: opened.rawValue, path: path)
  }

  /// Up to `count` bytes at `offset`.
  borrowing func bytes(_ count: Int, at offset: UInt64) throws(IOError) -> [UInt8] {
    let buffer = try AlignedBuffer(byteCount: count, purpose: "a test")
    let done = try read(into: buffer.bytes, at: offset)
    return Array(buffer.bytes[..<done])
  }
}

/// A descriptor number that is never open: far above any limit of open files.
let closedDescriptor: CInt = 2_000_000_000

/// Random bytes from a seed.
func randomBytes(_ count: Int, seed: UInt64) -> [UInt8] {
  var generator = SplitMix64(seed: seed)
  return (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next() >> 32) }
}
