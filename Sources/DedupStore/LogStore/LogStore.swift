/// The cuckoo table in RAM that takes new entries until it is frozen (S7, S8).
///
/// An entry is in one of two buckets of 4 slots: h1, the low `order` bits of the first half of its
/// digest, or h2, those of the second half. A lookup so reads two buckets and nothing else. An insert
/// takes a free slot in one of them. When both are full, entries move to their other bucket along a
/// path that ends at a free slot; `CuckooSearch` finds the shortest one within its bound, and no entry
/// moves before the path is complete. The same inserts in the same order always give the same table,
/// slot by slot, for the table is what an incarnation saves.
///
/// When there is no path, the insert changes nothing and says so. What that means depends on how full
/// the table is. With random digests it happens above 90 % of the slots from order 7 on: the table is
/// due to be frozen (`isDue`). Below 3/4 only digests that were chosen get there, by sharing a few
/// buckets. The caller then leaves the entry out; else five clusters in one bucket would cost a whole
/// incarnation on disk.
///
/// States: it fills; `exchange` or `reset` makes it empty again. A slot with physical sector 0 is
/// free. One thread at a time may use it. Memory: 128 bytes times 2^order, touched as it fills. It is
/// a class so that its owner holds it in a constant: a variable would be checked for overlapping
/// accesses at each lookup.
package final class LogStore {
  /// The number of entries in it.
  package private(set) var count = 0

  private let geometry: StoreGeometry
  private var table: SlotTable
  /// The slots of `table`; apart from it, so that a lookup goes through one object less.
  private var slots: UnsafeMutablePointer<StoreEntry>
  private let searchMemory = CuckooSearch.Memory()

  /// An empty table.
  ///
  /// - Parameter geometry: Its sizes.
  /// - Throws: `StoreError.memory` if there is not enough.
  package init(geometry: StoreGeometry) throws(StoreError) {
    self.geometry = geometry
    table = try SlotTable(geometry)
    slots = table.slots
  }

  /// The bytes of memory that a table with these sizes may use.
  static func ramBytes(_ geometry: StoreGeometry) -> Int {
    SlotTable.byteCount(geometry) + CuckooSearch.Memory.byteCount
  }

  /// Whether an entry that finds no slot means that the table is to be frozen: from 3/4 on (S7).
  package var isDue: Bool { count >= geometry.entryCount / 4 * 3 }

  /// All slots, the free ones too: those of bucket 0, then those of bucket 1, and so on.
  package var allSlots: UnsafeBufferPointer<StoreEntry> {
    UnsafeBufferPointer(start: slots, count: geometry.entryCount)
  }

  // MARK: Find

  /// Asks the processor to load what a lookup of this digest compares.
  @inline(__always)
  func prefetch(_ digest: Digest) {
    let (h1, h2) = geometry.buckets(of: digest)
    SlotTable.prefetch(h1, of: slots)
    SlotTable.prefetch(h2, of: slots)
  }

  /// The entry with this digest, or nil; looks in bucket h1, then in h2 (S7).
  @inline(__always)
  package func lookup(_ digest: Digest) -> StoreEntry? {
    slot(of: digest).map { slots[$0] }
  }

  /// The slot of the entry with this digest.
  @inline(__always)
  private func slot(of digest: Digest) -> Int? {
    let (slots, (h1, h2)) = (slots, geometry.buckets(of: digest))
    return Self.slot(of: digest, in: h1, of: slots) ?? Self.slot(of: digest, in: h2, of: slots)
  }

  @inline(__always)
  private static func slot(
    of digest: Digest, in bucket: Int, of slots: UnsafePointer<StoreEntry>
  ) -> Int? {
    let first = bucket * StoreGeometry.slotsPerBucket
    for slot in first..<first + StoreGeometry.slotsPerBucket
    where slots[slot].digest == digest && !slots[slot].isEmpty {
      return slot
    }
    return nil
  }

  // MARK: Change

  /// Stores an entry (S7); one with the same digest is replaced.
  ///
  /// It takes the first free slot of its two buckets. When they are full, other entries move to
  /// their other bucket along a path that is complete before the first of them moves.
  ///
  /// - Parameter entry: The entry, whose physical sector must not be 0.
  /// - Returns: Whether it was stored. If not, the table is as it was: `isDue` says whether it is to
  ///   be frozen, or the entry left out.
  package func insert(_ entry: StoreEntry) -> Bool {
    let slots = slots
    if let slot = slot(of: entry.digest) {
      slots[slot] = entry
      return true
    }
    let (h1, h2) = geometry.buckets(of: entry.digest)
    guard
      let slot = Self.freeSlot(in: h1, of: slots) ?? Self.freeSlot(in: h2, of: slots)
        ?? makeRoom(h1, h2)
    else { return false }
    slots[slot] = entry
    count += 1
    return true
  }

  /// Drops an entry (S8).
  ///
  /// - Parameter entry: The entry, all of whose fields must be as it was inserted.
  /// - Returns: Whether it was there.
  package func remove(_ entry: StoreEntry) -> Bool {
    guard let slot = slot(of: entry.digest), slots[slot] == entry else { return false }
    slots[slot] = StoreEntry(
      digest: Digest(high: 0, low: 0), physicalSector: 0, firstLogicalSector: 0)
    count -= 1
    return true
  }

  /// Forgets all entries (S6).
  package func reset() {
    if count == 0 { return }
    table.clear()
    count = 0
  }

  /// Goes on with an empty table.
  ///
  /// - Parameter other: Another table, all of whose slots are free.
  /// - Returns: The table with the entries so far.
  func exchange(for other: SlotTable) -> SlotTable {
    let full = table
    (table, slots, count) = (other, other.slots, 0)
    return full
  }

  /// The first free slot of a bucket.
  @inline(__always)
  private static func freeSlot(
    in bucket: Int, of slots: UnsafePointer<StoreEntry>
  ) -> Int? {
    let first = bucket * StoreGeometry.slotsPerBucket
    for slot in first..<first + StoreGeometry.slotsPerBucket where slots[slot].isEmpty {
      return slot
    }
    return nil
  }

  /// Empties a slot of one of two full buckets.
  ///
  /// The search goes breadth first, so the path is the shortest there is and never meets a bucket
  /// twice: each of its moves finds the slot that the move before it has left.
  private func makeRoom(_ h1: Int, _ h2: Int) -> Int? {
    let (slots, geometry) = (slots, geometry)
    var search = CuckooSearch(h1, h2, in: searchMemory, bound: searchBound)
    while let step = search.next() {
      let first = step.bucket * StoreGeometry.slotsPerBucket
      for slot in first..<first + StoreGeometry.slotsPerBucket {
        guard let other = geometry.tag(of: slots[slot].digest, in: step.bucket),
          other != step.bucket
        else { continue }
        if let free = Self.freeSlot(in: other, of: slots) {
          return Self.shift(from: slot, of: step, to: free, in: slots, search)
        }
        search.add(bucket: other, from: step, slot: slot)
      }
    }
    return nil
  }

  /// How many buckets a search for a path may reach. An emptier table never needs as many, but for
  /// digests that were chosen, which are not to cost much time; a very small one may, by chance.
  private var searchBound: Int { isDue || geometry.order < 7 ? CuckooSearch.capacity : 64 }

  /// Moves the entries of a path, the last one first, and returns the slot that is free then.
  private static func shift(
    from slot: Int, of step: CuckooSearch.Step, to free: Int,
    in slots: UnsafeMutablePointer<StoreEntry>, _ search: borrowing CuckooSearch
  ) -> Int {
    var (source, target, step) = (slot, free, step)
    while true {
      slots[target] = slots[source]
      target = source
      guard let previous = search.origin(of: step) else { return target }
      (source, step) = previous
    }
  }

  // MARK: Check

  /// Checks what must hold between any two calls; O(slots).
  ///
  /// - Throws: `BrokenInvariant`: an entry is in neither of its buckets or twice in the table, or
  ///   `count` is wrong.
  package func checkInvariants() throws(BrokenInvariant) {
    var used = 0
    for index in 0..<geometry.entryCount where !slots[index].isEmpty {
      used += 1
      let (entry, bucket) = (slots[index], index / StoreGeometry.slotsPerBucket)
      if geometry.tag(of: entry.digest, in: bucket) == nil {
        throw BrokenInvariant("digest \(entry.digest) is in bucket \(bucket) of the log store")
      }
      if slot(of: entry.digest) != index {
        throw BrokenInvariant("digest \(entry.digest) is twice in the log store")
      }
    }
    if used != count { throw BrokenInvariant("\(used) slots are used, the count is \(count)") }
  }
}

/// Something that must always hold in a store does not.
package struct BrokenInvariant: Error, CustomStringConvertible {
  /// What is wrong.
  package let description: String

  init(_ description: String) {
    self.description = description
  }
}
