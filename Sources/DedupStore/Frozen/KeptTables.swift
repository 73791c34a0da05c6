/// Which frozen tables stay in RAM, so that a hit there reads nothing: those of the youngest
/// incarnations, as far as memory was given for them.
///
/// A table is handed on: from the log store to the incarnation that was made of it, and from the
/// oldest incarnation that has one back to the log store, empty. So none is ever copied, and at the
/// limit none is allocated. The tables themselves are in the incarnations; here is only how many.
struct KeptTables {
  private let geometry: StoreGeometry
  private let limit: Int
  private var count = 0

  /// No tables yet.
  ///
  /// - Parameters:
  ///   - geometry: The sizes of a table.
  ///   - byteCount: How much memory may go to tables.
  init(_ geometry: StoreGeometry, byteCount: Int) {
    self.geometry = geometry
    limit = byteCount / SlotTable.byteCount(geometry)
  }

  /// The bytes of memory that the tables may use.
  var ramBytes: Int { count * SlotTable.byteCount(geometry) }

  /// Takes the table of the log store, if such tables are kept. The oldest of those that are makes
  /// room for it.
  ///
  /// - Parameters:
  ///   - logStore: What was written to disk.
  ///   - incarnations: All incarnations, oldest first.
  /// - Returns: The table; nil if the log store still has it.
  mutating func take(
    from logStore: LogStore, besides incarnations: inout [Incarnation]
  ) -> SlotTable? {
    guard limit > 0 else { return nil }
    if count < limit {
      // Without memory for another table this one is used again: what it held is on disk.
      guard let new = try? SlotTable(geometry) else { return nil }
      count += 1
      return logStore.exchange(for: new)
    }
    guard let oldest = incarnations.firstIndex(where: { $0.table != nil }),
      let free = incarnations[oldest].table
    else { return nil }
    incarnations[oldest].table = nil
    free.clear()
    return logStore.exchange(for: free)
  }

  /// Notes that an incarnation, with its table if it has one, is known no longer.
  mutating func forget(_ incarnation: Incarnation) {
    if incarnation.table != nil { count -= 1 }
  }

  /// Checks that the count is that of the incarnations' tables, and within the limit.
  ///
  /// - Throws: `BrokenInvariant`.
  func checkInvariants(_ incarnations: [Incarnation]) throws(BrokenInvariant) {
    let kept = incarnations.map { $0.table != nil }
    if kept.count(where: { $0 }) != count || count > limit {
      throw BrokenInvariant("the count of kept tables is \(count), at most \(limit): \(kept)")
    }
  }
}
