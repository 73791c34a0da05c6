/// Room for one incarnation.
struct StoreRegion {
  /// The byte offset at which it begins.
  let offset: UInt64
  /// Whether it was never written and reads as zeros; else it holds what an older one left.
  let isFresh: Bool
}
