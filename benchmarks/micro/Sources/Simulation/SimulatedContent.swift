public import DedupStore

/// The contents of imaginary clusters: number n stands for a content unlike all others.
///
/// Nothing is kept of a content: its digest follows from its number, by the mixing function of
/// Steele, Lea and Flood's SplitMix64.
public enum SimulatedContent {
  /// The digest of content `number`.
  @inlinable
  public static func digest(_ number: UInt64) -> Digest {
    Digest(high: mixed(2 &* number), low: mixed(2 &* number &+ 1))
  }

  /// The entry of content `number`, as if each were stored when it first came, in 4 KiB clusters.
  @inlinable
  public static func entry(_ number: UInt64) -> StoreEntry {
    StoreEntry(
      digest: digest(number), physicalSector: (number + 1) * 8, firstLogicalSector: number * 8)
  }

  /// A number that looks random and is the same for the same seed; all 64 bits count.
  @inlinable
  public static func mixed(_ seed: UInt64) -> UInt64 {
    var mixed = (seed &+ 1) &* 0x9E37_79B9_7F4A_7C15
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
