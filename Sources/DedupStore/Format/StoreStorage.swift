public import DiskIO

/// A place in what holds a store: in an image file, or in a file of the store's own.
public struct StorageOffset: Hashable, Comparable, Sendable {
  /// The distance from the beginning of the file, in bytes.
  public let bytes: UInt64

  /// The place `bytes` bytes after the beginning of the file.
  @inlinable
  public init(_ bytes: UInt64) {
    self.bytes = bytes
  }

  /// Whether the left place is before the right one.
  @inlinable
  public static func < (left: StorageOffset, right: StorageOffset) -> Bool {
    left.bytes < right.bytes
  }

  /// The place `byteCount` bytes after another one.
  package static func + (place: StorageOffset, byteCount: Int) -> StorageOffset {
    StorageOffset(place.bytes + UInt64(byteCount))
  }
}

extension StorageOffset: CustomStringConvertible {
  /// The number of bytes, in decimal digits.
  public var description: String { "\(bytes)" }
}

/// Where a store keeps its incarnations: an image, a temporary file, memory in a test.
///
/// The store asks for room, never gives any back, and reads and writes only inside the room that it
/// was given, or that a dump names.
public protocol StoreStorage: AnyObject {
  /// Takes room that nothing else uses, was never written, and reads as zeros.
  ///
  /// - Parameter byteCount: The size of an incarnation; an image rounds it up to whole clusters.
  /// - Returns: Where the room begins.
  /// - Throws: `StoreError.allocation` when there is none; nothing has been taken then.
  func allocate(byteCount: UInt64) throws(StoreError) -> StorageOffset

  /// Fills `bytes` with what is stored from `offset` on.
  ///
  /// - Parameters:
  ///   - bytes: The memory to fill, all of it.
  ///   - offset: Where to begin.
  /// - Throws: `IOError` with path and offset, also when the storage ends before.
  func read(into bytes: UnsafeMutableRawBufferPointer, at offset: StorageOffset) throws(IOError)

  /// Stores all of `bytes` from `offset` on.
  ///
  /// - Parameters:
  ///   - bytes: The bytes to store.
  ///   - offset: Where to begin.
  /// - Throws: `IOError` with path and offset; any part may have been stored then.
  func write(_ bytes: UnsafeRawBufferPointer, at offset: StorageOffset) throws(IOError)
}
