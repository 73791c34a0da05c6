internal import DiskIO

/// The memory of all slots of a table, one after the other: slot s of bucket b is at index
/// 4 · b + s. A slot with physical sector 0 is free, and all are at first.
///
/// It belongs to a log store, or to an incarnation of the same store, which one thread at a time uses.
final class SlotTable {
  /// The slots, as many as an incarnation has.
  let slots: UnsafeMutablePointer<StoreEntry>
  private let memory: ZeroedBuffer

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
}
