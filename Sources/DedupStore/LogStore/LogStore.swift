/// The cuckoo table in RAM that is being filled until it is frozen.
///
/// An entry stands in one of two buckets of 4 slots, h1 and h2 of its digest.
package struct LogStore: ~Copyable {
  /// The sizes of the table.
  package let geometry: StoreGeometry
  /// The number of entries in it.
  package internal(set) var count = 0

  private var table: SlotTable
  /// All slots, `geometry.entryCount` of them.
  package private(set) var slots: UnsafeMutablePointer<StoreEntry>
  var search = CuckooSearch()

  /// An empty table.
  ///
  /// - Parameter geometry: Its sizes; the memory is 32 bytes a slot, touched as it fills.
  /// - Throws: `StoreError.memory` if there is not enough.
  package init(geometry: StoreGeometry) throws(StoreError) {
    self.geometry = geometry
    table = try SlotTable(geometry)
    slots = table.slots
  }

  /// The bytes of memory that a table with these sizes may use.
  static func ramBytes(_ geometry: StoreGeometry) -> Int {
    SlotTable.byteCount(geometry) + CuckooSearch.ramBytes
  }

  /// Forgets all entries.
  package mutating func reset() {
    if count == 0 { return }
    table.clear()
    count = 0
  }

  /// Goes on with an empty table.
  ///
  /// - Parameter other: Another table, all of whose slots are free.
  /// - Returns: The table with the entries so far.
  mutating func exchange(for other: SlotTable) -> SlotTable {
    let full = table
    (table, slots, count) = (other, other.slots, 0)
    return full
  }
}
