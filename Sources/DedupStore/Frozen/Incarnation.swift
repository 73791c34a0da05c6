/// A frozen log store, as RAM knows it: where it is on disk, and what no longer counts in it.
///
/// Of one that was saved, only the offset is known until its trailer has been read.
struct Incarnation {
  /// The byte offset of its filter area.
  let offset: UInt64
  /// The number of the freeze that wrote it.
  var sequence: UInt64
  /// The number of entries that were frozen.
  var used: Int
  /// Its table, if RAM still has it; else lookups read from disk.
  var table: SlotTable?
  /// The slots whose entries lookups pass over (S33).
  var removedSlots: Set<Int> = []

  /// The number of entries that lookups can find.
  var entryCount: Int { used - removedSlots.count }
}
