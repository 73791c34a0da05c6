/// The order and the limit of incarnations that make the most of an amount of memory.
///
/// A store takes 128 bytes times 2^order for the log store, a little for buffers, and 64 bytes times
/// 2^order for the filters of each eight incarnations. The limit keeps it from taking more. What is
/// left over may keep tables that have been frozen.
public struct StorePlan: Hashable, Sendable {
  /// The order.
  public let order: Int
  /// How many incarnations there may be at once (S17); 0, no limit, only if it was asked for.
  public let maxIncarnations: UInt32
  /// How many entries the store remembers within the memory, however many come: the last ones.
  public let rememberedEntries: UInt64
  /// How much of the memory is left for tables that have been frozen, so that hits read nothing.
  public let keptTableBytes: Int

  /// The memory that a plan can be made for, in bytes.
  public static let memoryRange: ClosedRange<UInt64> = 256 << 10...1 << 40
  /// No plan chooses more incarnations: each costs every miss a nanosecond or two.
  static let mostIncarnations = 1024

  /// The best plan.
  ///
  /// If all clusters can be remembered: of the orders with which they can, the one with the fewest
  /// incarnations, and the smallest of those. If not, or if it is unknown how many come: the largest
  /// order that remembers at least 7/8 of what the best one does; less would be searched for longer.
  ///
  /// - Parameters:
  ///   - memory: What the store may take in bytes, counted as in its `ramBytes`; what is outside
  ///     `memoryRange` counts as the nearer end.
  ///   - clusters: How many clusters with data may come; nil if that is unknown.
  ///   - order: The order, if it is not to be chosen; it counts also if it takes more memory.
  ///   - limit: The limit of incarnations, if it is not to be chosen; the same holds.
  public init(
    memory: UInt64, dataClusters clusters: UInt64?, order: Int? = nil,
    maxIncarnations limit: UInt32? = nil
  ) {
    let memory = min(max(memory, Self.memoryRange.lowerBound), Self.memoryRange.upperBound)
    let orders = order.map { $0...$0 } ?? StoreGeometry.validOrders
    let plans = orders.compactMap { Self(order: $0, memory: memory, limit: limit) }
    let holdingAll = clusters.flatMap { clusters in
      plans.filter { $0.rememberedEntries >= clusters }
        .min { $0.freezes(for: clusters) < $1.freezes(for: clusters) }
    }
    let most = plans.map(\.rememberedEntries).max() ?? 0
    let nearlyMost = plans.last { $0.rememberedEntries >= most - most / 8 }
    self =
      holdingAll ?? nearlyMost
      ?? Self(
        order: order ?? StoreGeometry.validOrders.lowerBound, incarnations: 1, limit: limit,
        keptTableBytes: 0)
  }

  /// The plan for one order; nil if not even one incarnation of it fits the memory.
  private init?(order: Int, memory: UInt64, limit: UInt32?) {
    guard let geometry = try? StoreGeometry(order: order) else { return nil }
    let left = Int(memory) - HashStore.ramBytes(geometry)
    let groups = left / TagPanels.groupBytes(geometry)
    guard groups > 0 else { return nil }
    let incarnations = min(groups * TagLine.lanes, Self.mostIncarnations)
    let known = Int(limit ?? UInt32(incarnations))
    let usedGroups = known == 0 ? groups : (known + TagLine.lanes - 1) / TagLine.lanes
    let rest = left - min(usedGroups, groups) * TagPanels.groupBytes(geometry)
    self.init(
      order: order, incarnations: incarnations, limit: limit,
      keptTableBytes: usedGroups > groups ? 0 : min(rest, HashStore.defaultKeptTableBytes))
  }

  private init(order: Int, incarnations: Int, limit: UInt32?, keptTableBytes: Int) {
    self.order = order
    self.keptTableBytes = keptTableBytes
    maxIncarnations = limit ?? UInt32(incarnations)
    let certain = maxIncarnations == 0 ? incarnations : min(incarnations, Int(maxIncarnations))
    rememberedEntries = UInt64(certain) * StoreGeometry.reliableEntries(order: order)
  }

  /// How many incarnations so many entries become.
  private func freezes(for entries: UInt64) -> UInt64 {
    let each = StoreGeometry.reliableEntries(order: order)
    return entries / each + (entries % each == 0 ? 0 : 1)
  }
}
