internal import DiskIO

/// The cuckoo table in RAM that is being filled until it is frozen.
///
/// An entry stands in one of two buckets of 4 slots, h1 and h2 of its digest. All slots are one
/// stretch of memory: slot s of bucket b is at index 4 · b + s. A slot with physical sector 0 is free.
package struct LogStore: ~Copyable {
  /// The sizes of the table.
  package let geometry: StoreGeometry
  /// The number of entries in it.
  package internal(set) var count = 0

  private let memory: ZeroedBuffer
  /// All slots, `geometry.entryCount` of them.
  package let slots: UnsafeMutablePointer<HashInfo>
  var search = CuckooSearch()

  /// An empty table.
  ///
  /// - Parameter geometry: Its sizes; the memory is 32 bytes a slot, touched as it fills.
  /// - Throws: `StoreError.memory` if there is not enough.
  package init(geometry: StoreGeometry) throws(StoreError) {
    self.geometry = geometry
    memory = try ZeroedBuffer(
      storeBytes: Self.slotsBytes(geometry), purpose: "the log store")
    slots = memory.bytes.baseAddress!.bindMemory(to: HashInfo.self, capacity: geometry.entryCount)
  }

  /// The bytes of memory that a table with these sizes may use.
  static func ramBytes(_ geometry: StoreGeometry) -> Int {
    slotsBytes(geometry) + CuckooSearch.ramBytes
  }

  private static func slotsBytes(_ geometry: StoreGeometry) -> Int {
    geometry.entryCount * MemoryLayout<HashInfo>.stride
  }

  /// Forgets all entries.
  package mutating func reset() {
    if count == 0 { return }
    memory.bytes.initializeMemory(as: UInt8.self, repeating: 0)
    count = 0
  }
}
