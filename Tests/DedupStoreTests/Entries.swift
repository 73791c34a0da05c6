import DedupStore
import TestSupport

/// Random entries from a seed.
struct Entries {
  var generator: SplitMix64
  private var nextSector: UInt64 = 8

  init(seed: UInt64) {
    generator = SplitMix64(seed: seed)
  }

  mutating func digest() -> Digest {
    Digest(high: generator.next(), low: generator.next())
  }

  /// An entry of a new random digest.
  mutating func next() -> StoreEntry {
    next(digest())
  }

  /// An entry of this digest; no two have the same physical sector.
  mutating func next(_ digest: Digest) -> StoreEntry {
    nextSector += 8
    return StoreEntry(
      digest: digest, physicalSector: nextSector, firstLogicalSector: generator.next() >> 9)
  }
}
