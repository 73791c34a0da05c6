internal import DiskIO

/// The memory of the tags of as many incarnations as share a panel.
final class FilterPanel {
  private let memory: ZeroedBuffer

  /// The tags, transposed: a line for each bucket.
  var base: UnsafeMutableRawPointer { memory.bytes.baseAddress! }
  /// The bytes of memory that the panel may use.
  var ramBytes: Int { memory.bytes.count }

  /// A panel of `byteCount` zero bytes.
  init(byteCount: Int) throws(StoreError) {
    memory = try ZeroedBuffer(storeBytes: byteCount, purpose: "the filters of the hash store")
  }
}
