import DedupStore
import DiskIO
import SystemPackage
import TestSupport

/// A storage in an unnamed file, for incarnations that are large and mostly empty. Any number of
/// threads may use it.
final class SparseStorage: StoreStorage {
  private let folder: TemporaryDirectory
  private let file: OwnedFile
  private var end: UInt64 = 65536

  init() throws {
    folder = try TemporaryDirectory()
    file = try OwnedFile(unnamedIn: folder.path)
  }

  func allocate(byteCount: UInt64) -> StorageOffset {
    defer { end += byteCount }
    return StorageOffset(end)
  }

  func read(into bytes: UnsafeMutableRawBufferPointer, at offset: StorageOffset) throws(IOError) {
    guard try file.read(into: bytes, at: offset.bytes) == bytes.count else {
      throw IOError(.read, "memory", at: offset.bytes, reason: .ioError)
    }
  }

  func write(_ bytes: UnsafeRawBufferPointer, at offset: StorageOffset) throws(IOError) {
    try file.write(bytes, at: offset.bytes)
  }
}
