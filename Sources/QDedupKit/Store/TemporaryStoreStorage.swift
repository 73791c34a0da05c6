internal import DedupStore
internal import DiskIO
internal import SystemPackage

/// Keeps incarnations in an unnamed file beside the output, for an output without a store.
final class TemporaryStoreStorage: StoreStorage {
  private let file: OwnedFile
  private var end: UInt64 = 0

  /// - Parameter directory: The folder of the output.
  /// - Throws: `IOError` if no file can be made there.
  init(in directory: FilePath) throws(IOError) {
    file = try OwnedFile(unnamedIn: directory)
  }

  func allocate(byteCount: UInt64) -> StorageOffset {
    defer { end += byteCount }
    return StorageOffset(end)
  }

  func read(
    into bytes: UnsafeMutableRawBufferPointer, at offset: StorageOffset
  ) throws(IOError) {
    let count = try file.read(into: bytes, at: offset.bytes)
    UnsafeMutableRawBufferPointer(rebasing: bytes[count...]).initializeMemory(
      as: UInt8.self, repeating: 0)
  }

  func write(_ bytes: UnsafeRawBufferPointer, at offset: StorageOffset) throws(IOError) {
    try file.write(bytes, at: offset.bytes)
  }
}
