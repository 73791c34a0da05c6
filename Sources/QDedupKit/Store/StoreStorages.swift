internal import DedupStore
internal import DiskImage
internal import DiskIO
internal import QCOW2
internal import SystemPackage

/// Keeps incarnations in clusters of the output itself, whose refcount stays 0: QEMU takes them
/// for free space once it has cleared the feature bit.
final class ImageStoreStorage: StoreStorage {
  private let writer: ImageWriter

  init(_ writer: ImageWriter) {
    self.writer = writer
  }

  func allocate(byteCount: UInt64) throws(StoreError) -> StorageOffset {
    do {
      let count = writer.geometry.clusterCount(forBytes: byteCount)
      return StorageOffset(try writer.allocate(clusters: count).bytes)
    } catch {
      throw .allocation(byteCount: byteCount, cause: error)
    }
  }

  func read(
    into bytes: UnsafeMutableRawBufferPointer, at offset: StorageOffset
  ) throws(IOError) {
    // The end of an incarnation may be a hole past the file's end, until the file grows.
    let count = try writer.file.file.read(into: bytes, at: offset.bytes)
    UnsafeMutableRawBufferPointer(rebasing: bytes[count...]).initializeMemory(
      as: UInt8.self, repeating: 0)
  }

  func write(_ bytes: UnsafeRawBufferPointer, at offset: StorageOffset) throws(IOError) {
    try writer.file.file.write(bytes, at: offset.bytes)
  }
}

/// The incarnations of an image that is open for reading. The store may be searched, and nothing can
/// be frozen into it.
final class SavedStoreStorage: StoreStorage, Sendable {
  private let file: ImageFile

  init(_ file: ImageFile) {
    self.file = file
  }

  func allocate(byteCount: UInt64) throws(StoreError) -> StorageOffset {
    throw .allocation(
      byteCount: byteCount,
      cause: ImageError.unsupported(file.path, reason: "it is open for reading only"))
  }

  func read(
    into bytes: UnsafeMutableRawBufferPointer, at offset: StorageOffset
  ) throws(IOError) {
    do throws(ImageError) {
      try file.read(into: bytes, at: HostOffset(offset.bytes), "an incarnation")
    } catch {
      if case .io(let error) = error { throw error }
      // The range is not in the file, or is not any more.
      throw IOError(.read, file.path, at: offset.bytes, reason: .noData)
    }
  }

  func write(_ bytes: UnsafeRawBufferPointer, at offset: StorageOffset) throws(IOError) {
    throw IOError(.write, file.path, at: offset.bytes, reason: .notPermitted)
  }
}

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
