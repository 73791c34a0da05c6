/// The sizes of an incarnation, in bytes, by the formulas of the format's description.
struct StoreTableGeometry {
  /// The bits of the index of a bucket.
  let order: Int

  /// The mask of the index of a bucket.
  var mask: UInt64 { 1 << UInt64(order) - 1 }
  /// Slots of the table.
  var entries: Int { 4 << order }
  /// The width of a tag.
  var tagBytes: Int { order < 16 ? 2 : order < 32 ? 4 : 8 }
  /// The length of the filter, trailer included.
  var filterBytes: Int { (entries * tagBytes / 4096 + 1) * 4096 }
  /// The length of the table.
  var tableBytes: Int { (entries / 128 + 1) * 4096 }
  /// The length of both.
  var bytes: Int { filterBytes + tableBytes }
}
