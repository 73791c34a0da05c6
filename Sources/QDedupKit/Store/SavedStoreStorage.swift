internal import DedupStore
internal import DiskIO
internal import DiskImage
internal import QCOW2
internal import SystemPackage

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
