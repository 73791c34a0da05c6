internal import DedupStore
internal import DiskIO
internal import DiskImage
internal import QCOW2

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
