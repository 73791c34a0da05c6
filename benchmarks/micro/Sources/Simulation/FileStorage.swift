// What the benchmarks of the store share: a real file to keep incarnations in, and a stream of
// digests that needs no data.

public import DedupStore
public import DiskIO
public import SystemPackage

/// Keeps incarnations in an unnamed file, as a conversion without a store in its output does, and
/// counts what it is asked for.
public final class FileStorage: StoreStorage {
  private let file: OwnedFile
  private var end: UInt64 = 0
  /// How many times something was read.
  public private(set) var reads: UInt64 = 0
  /// How many times something was written; it only changes while a store freezes.
  public private(set) var writes: UInt64 = 0

  /// - Parameter directory: The folder whose file system holds the file.
  /// - Throws: `IOError` if no file can be made there.
  public init(in directory: FilePath) throws(IOError) {
    file = try OwnedFile(unnamedIn: directory)
  }

  /// The bytes that the file system has really allocated.
  public func allocatedBytes() throws(IOError) -> UInt64 { try file.allocatedSize() }

  /// Takes room at the end of the file.
  public func allocate(byteCount: UInt64) -> StorageOffset {
    defer { end += byteCount }
    return StorageOffset(end)
  }

  /// Reads; what is past the end of the file, but was allocated, is zeros.
  public func read(
    into bytes: UnsafeMutableRawBufferPointer, at offset: StorageOffset
  ) throws(IOError) {
    reads += 1
    let count = try file.read(into: bytes, at: offset.bytes)
    UnsafeMutableRawBufferPointer(rebasing: bytes[count...]).initializeMemory(
      as: UInt8.self, repeating: 0)
  }

  /// Writes all of `bytes`.
  public func write(_ bytes: UnsafeRawBufferPointer, at offset: StorageOffset) throws(IOError) {
    writes += 1
    try file.write(bytes, at: offset.bytes)
  }
}
