internal import DedupStore
internal import DiskImage
import Glibc

/// What one thread of a scan found in one block of an image, until it is counted. Its memory is used
/// again for the next block.
struct BlockContents {
  /// How large the strata of the samples are.
  ///
  /// Units of one stratum are brought together here, so that fewer are to be counted one at a time.
  /// The strata may be larger by the time they are counted, and then hold those of here whole.
  struct Strata {
    /// Of the sample of pieces.
    var pieces: DataSample.Strata
    /// Of the sample of areas of 128 KiB.
    var blocks: DataSample.Strata
  }

  /// Where the block begins.
  private(set) var start = GuestOffset(0)
  /// How many bytes of it were read.
  private(set) var readBytes: UInt64 = 0
  /// One piece with data of each stratum; uniform ones apart.
  private(set) var pieces: [StratifiedSample.Unit] = []
  /// One area of 128 KiB with data of each stratum; uniform ones apart.
  private(set) var blocks: [StratifiedSample.Unit] = []

  /// The digest of each piece; `ImageScan.zero` for zeros.
  private var digests: [Digest]
  /// Whether each piece has different bytes.
  private var isVaried: [Bool]
  /// The clusters with data, those of 4 KiB first.
  private var clusters: [DistinctSet.Cluster] = []
  /// Where the clusters of each size end among all.
  private var ends: [Int]

  private static let pieceCount = ImageScan.blockBytes >> ImageScan.pieceBits

  init() {
    digests = Array(repeating: ImageScan.zero, count: Self.pieceCount)
    isVaried = Array(repeating: false, count: Self.pieceCount)
    ends = Array(repeating: 0, count: ImageScan.sizes.count)
    clusters.reserveCapacity(2 * Self.pieceCount)
  }

  /// Whether there is something other than zeros.
  var hasData: Bool { !clusters.isEmpty }

  /// The clusters of a size with data.
  func clusters(_ size: Int) -> ArraySlice<DistinctSet.Cluster> {
    clusters[(size == 0 ? 0 : ends[size - 1])..<ends[size]]
  }

  /// Looks at a block, instead of the one before.
  ///
  /// - Parameters:
  ///   - bytes: At most `ImageScan.blockBytes`, whole pieces.
  ///   - start: Where they begin, a multiple of `ImageScan.blockBytes`.
  ///   - strata: How large strata are, at most as large as they will be when this is counted.
  mutating func look(
    at bytes: UnsafeRawBufferPointer, from start: GuestOffset, _ strata: Strata
  ) {
    self.start = start
    readBytes = UInt64(bytes.count)
    clusters.removeAll(keepingCapacity: true)
    pieces.removeAll(keepingCapacity: true)
    blocks.removeAll(keepingCapacity: true)
    for index in 0..<Self.pieceCount {
      let isRead = index << ImageScan.pieceBits < bytes.count
      digests[index] = isRead ? ImageScan.digest(bytes, index) : ImageScan.zero
      isVaried[index] = digests[index] != ImageScan.zero && Self.isVaried(bytes, index)
    }
    let digests = digests
    for size in ImageScan.sizes {
      digests.withUnsafeBufferPointer { addClusters(size, of: $0, strata) }
      ends[size] = clusters.count
    }
  }

  /// Adds the clusters of 2^size pieces.
  private mutating func addClusters(
    _ size: Int, of digests: UnsafeBufferPointer<Digest>, _ strata: Strata
  ) {
    for first in stride(from: 0, to: Self.pieceCount, by: 1 << size) {
      let parts = UnsafeBufferPointer(rebasing: digests[first..<first + 1 << size])
      let weight = parts.reduce(0) { $1 == ImageScan.zero ? $0 : $0 + 1 }
      guard weight > 0 else { continue }
      let key = ImageScan.key(of: parts)
      clusters.append(.init(key: key, pieces: UInt8(weight)))
      guard size == 0 || size == ImageScan.sizes.upperBound else { continue }
      var unit = StratifiedSample.Unit(
        key: key, offset: start.bytes + UInt64(first << ImageScan.pieceBits), weight: 1)
      if size == 0 {
        unit.isUniform = !isVaried[first]
        Self.note(unit, in: &pieces, strata.pieces)
      } else {
        unit.isUniform = !isVaried[first..<first + 1 << size].contains(true)
        Self.note(unit, in: &blocks, strata.blocks)
      }
    }
  }

  /// Whether a piece has different bytes.
  private static func isVaried(_ bytes: UnsafeRawBufferPointer, _ index: Int) -> Bool {
    let piece = bytes.baseAddress! + index << ImageScan.pieceBits
    return memcmp(piece, piece + 1, 1 << ImageScan.pieceBits - 1) != 0
  }

  /// Keeps a unit, or counts it to the one before, if that is of the same stratum and kind: the one with
  /// the smaller key stays.
  private static func note(
    _ unit: StratifiedSample.Unit, in list: inout [StratifiedSample.Unit],
    _ strata: DataSample.Strata
  ) {
    guard let last = list.last, last.isUniform == unit.isUniform,
      strata.stratum(of: last) == strata.stratum(of: unit)
    else { return list.append(unit) }
    if (unit.key, unit.offset) < (last.key, last.offset) { list[list.count - 1] = unit }
    list[list.count - 1].weight = last.weight + unit.weight
  }
}
