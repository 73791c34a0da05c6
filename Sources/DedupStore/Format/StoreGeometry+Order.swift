extension StoreGeometry {
  /// The order for an input with so many data clusters (S9).
  ///
  /// Below order 14 it is the smallest with which one incarnation takes them all; else the
  /// smallest from 14 on with which 128 incarnations do. Both count a table as full at 15/16 of its
  /// slots, a load that the log store reaches reliably from order 7 on; a smaller
  /// table counts as full at half, because chance has more weight in it.
  ///
  /// - Parameter clusters: The clusters that the input can hold, each perhaps unique; nil if that
  ///   is unknown, as for a pipe.
  /// - Returns: 16 if unknown, else 1…31.
  public static func order(forDataClusters clusters: UInt64?) -> Int {
    guard let clusters else { return 16 }
    let single = (1...13).first { clusters <= reliableEntries(order: $0) }
    if let single { return single }
    let several = (14...30).first { clusters <= 128 * reliableEntries(order: $0) }
    return several ?? validOrders.upperBound
  }

  /// How many entries the log store of an order takes before it is frozen, but for rare bad luck.
  static func reliableEntries(order: Int) -> UInt64 {
    let slots = UInt64(slotsPerBucket) << UInt64(order)
    return order < 7 ? slots / 2 : slots / 16 * 15
  }
}
