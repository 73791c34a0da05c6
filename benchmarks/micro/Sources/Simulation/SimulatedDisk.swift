/// The clusters of an imaginary disk in their order, a tenth of which have a content that was there
/// before.
///
/// How far back a duplicate reaches is mixed: each power of two up to the whole disk is about as
/// likely as the next, so that both near and far ones come.
public struct SimulatedDisk: Sequence, IteratorProtocol, Sendable {
  /// The numbers of contents that have come so far: 0 up to, without, this one.
  public private(set) var contents: UInt64 = 0
  private var left: UInt64
  private var randomCount: UInt64

  /// One in so many clusters is a duplicate.
  public static let duplicateInterval: UInt64 = 10

  /// - Parameters:
  ///   - clusters: How many clusters the disk has.
  ///   - seed: The same one gives the same disk.
  public init(clusters: UInt64, seed: UInt32 = 0) {
    left = clusters
    // Far from the numbers that the digests are mixed from.
    randomCount = 1 << 63 | UInt64(seed) << 48
  }

  /// The content of the next cluster, as a number for `SimulatedContent`; new ones are numbered as
  /// they come.
  public mutating func next() -> UInt64? {
    guard left > 0 else { return nil }
    left -= 1
    guard contents > 0, random() % Self.duplicateInterval == 0 else {
      defer { contents += 1 }
      return contents
    }
    let powers = UInt64(contents.bitWidth - contents.leadingZeroBitCount)
    let reach = Swift.min(contents, 2 << (random() % powers))
    return contents - 1 - random() % reach
  }

  private mutating func random() -> UInt64 {
    randomCount += 1
    return SimulatedContent.mixed(randomCount)
  }
}
