internal import DiskIO

/// The memory of the tags of as many incarnations as share a panel.
final class FilterPanel {
  private let memory: ZeroedBuffer

  /// The tags, transposed: the lines of a bucket, then those of the next one.
  var base: UnsafeMutableRawPointer { memory.bytes.baseAddress! }
  /// The bytes of memory that the panel may use.
  var byteCount: Int { memory.bytes.count }

  /// A panel of `byteCount` zero bytes, in a store that takes `otherBytes` besides.
  init(byteCount: Int, besides otherBytes: Int) throws(StoreError) {
    memory = try ZeroedBuffer(
      storeBytes: byteCount, purpose: "the filters of the hash store", besides: otherBytes)
  }

  /// Gives the memory of the first `byteCount` bytes back, which read as zeros from then on.
  func discard(upTo byteCount: Int) {
    memory.discard(upTo: byteCount)
  }
}
