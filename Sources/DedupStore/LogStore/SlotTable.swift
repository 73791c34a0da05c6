internal import CQDedupShims
internal import DiskIO

/// The memory of all slots of a table, one after the other: slot s of bucket b is at index
/// 4 · b + s. A slot with physical sector 0 is free, and all are at first.
///
/// It belongs to a log store; after a freeze it may go to the incarnation that was made of it, and
/// come back empty when the incarnation is no longer one of the youngest. One thread at a time uses
/// it.
final class SlotTable {
  /// The slots, as many as an incarnation has. They are valid as long as the table is.
  let slots: UnsafeMutablePointer<StoreEntry>
  private let memory: ZeroedBuffer

  /// The bytes that the processor loads at once, on all machines that count here.
  private static let cacheLineBytes = 64

  /// A table of free slots; the memory is touched as it fills.
  ///
  /// - Throws: `StoreError.memory` if there is not enough.
  init(_ geometry: StoreGeometry) throws(StoreError) {
    memory = try ZeroedBuffer(storeBytes: Self.byteCount(geometry), purpose: "the log store")
    slots = memory.bytes.baseAddress!.bindMemory(to: StoreEntry.self, capacity: geometry.entryCount)
  }

  /// The bytes of memory that a table with these sizes may use: at least a page.
  static func byteCount(_ geometry: StoreGeometry) -> Int {
    max(geometry.entryCount * MemoryLayout<StoreEntry>.stride, 4096)
  }

  /// Makes all slots free.
  func clear() {
    memory.bytes.initializeMemory(as: UInt8.self, repeating: 0)
  }

  /// Asks the processor to load a bucket.
  @inline(__always)
  static func prefetch(_ bucket: Int, of slots: UnsafePointer<StoreEntry>) {
    let start = UnsafeRawPointer(slots) + bucket * StoreGeometry.bucketBytes
    for part in 0..<StoreGeometry.bucketBytes / cacheLineBytes {
      qdedup_prefetch(start + part * cacheLineBytes)
    }
  }
}
