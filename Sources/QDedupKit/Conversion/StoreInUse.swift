internal import DedupStore

/// What a store was during a conversion, before it was laid out again for the output.
struct StoreInUse {
  /// What it took in memory.
  let ramBytes: UInt64
  /// How many of the last clusters it was sure to remember; nil without a limit of incarnations.
  let rememberedClusters: UInt64?

  /// Takes the values as they are now.
  init(_ store: HashStore) {
    ramBytes = UInt64(store.ramBytes)
    rememberedClusters = store.rememberedEntries
  }
}
