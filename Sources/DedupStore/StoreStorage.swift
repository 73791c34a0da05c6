public import DiskIO

/// Where a store keeps its incarnations. Offsets and sizes are in bytes.
public protocol StoreStorage: AnyObject {
  /// Takes room that nothing else uses, was never written, and reads as zeros.
  ///
  /// - Parameter byteCount: The size of an incarnation; an image rounds it up to whole clusters.
  /// - Returns: The offset of the room.
  /// - Throws: `StoreError.allocation` when there is none; nothing has been taken then.
  func allocate(byteCount: UInt64) throws(StoreError) -> UInt64

  /// Fills `bytes` with what is stored from `offset` on.
  ///
  /// - Parameters:
  ///   - bytes: The memory to fill, all of it.
  ///   - offset: Where to begin.
  /// - Throws: `IOError` with path and offset, also when the storage ends before.
  func read(into bytes: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(IOError)

  /// Stores all of `bytes` from `offset` on.
  ///
  /// - Parameters:
  ///   - bytes: The bytes to store.
  ///   - offset: Where to begin.
  /// - Throws: `IOError` with path and offset; any part may have been stored then.
  func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(IOError)
}
