internal import DedupStore
internal import DiskIO
internal import DiskImage
internal import QCOW2
internal import Synchronization

/// What compression makes of an image's distinct clusters, from a bounded sample of them.
///
/// Two samples share the work. Some 4,000 single pieces of 4 KiB, compressed by the cheapest method,
/// tell how compressible the disk is: that varies most from place to place. Up to 192 areas of
/// 128 KiB, compressed in clusters of every size by every method, tell how the others compare with
/// that: a ratio of two sizes of the same data varies little. The product is the prediction. If the
/// areas are all there is, they alone count, and the result is exact.
///
/// A cluster that occurs n times counts as 1/n, so that what is predicted is the size of the distinct
/// ones. The interval takes the spread between neighbours of the sample as the spread within a
/// stratum (successive differences), which is right for a sample spread evenly.
struct CompressionSample {
  /// The compressed size by the size before, without pieces of zeros, and how far that may be off.
  struct Ratio: Equatable {
    var value = 1.0
    /// At 95 %, by the value; 0 if it is exact.
    var relativeError = 0.0
  }

  /// What to compress by.
  let compressions: [Compression]
  /// For each of the compressions and each of `ImageScan.sizes`.
  private(set) var ratios: [[Ratio]] = []
  /// How many bytes were compressed, each time counted.
  private(set) var compressedBytes: UInt64 = 0

  /// Reads what a scan has chosen once more, and compresses it.
  ///
  /// - Parameters:
  ///   - image: The image that was scanned.
  ///   - counts: What the scan found.
  ///   - contents: The sets that the scan filled.
  ///   - compressions: Methods and levels.
  ///   - threads: How many threads work.
  ///   - progress: Asked whether to go on.
  /// - Throws: `ConversionError`.
  init(
    of image: any ImageSource, _ counts: ImageScan.Counts, _ contents: [DistinctSet],
    by compressions: [Compression], threads: Int, progress: Progress
  ) throws(ConversionError) {
    self.compressions = compressions
    let isWhole = counts.blocks.bits == 17
    let blocks = counts.blocks.units
    let pieces = isWhole ? [] : counts.pieces.units
    let work = SampleWork(
      image: image, contents: contents, compressions: compressions, progress: progress,
      tasks: blocks.map { .init($0, isBlock: true) } + pieces.map { .init($0, isBlock: false) })
    let results = try work.run(threads: threads)
    compressedBytes = results.reduce(0) { $0 + $1.compressedBytes }
    let base = Estimate(
      results[blocks.count...].map { ($0.base, $0.baseRaw) }, isWhole: isWhole)
    ratios = compressions.indices.map { method in
      ImageScan.sizes.map { size in
        Self.ratio(
          results[..<blocks.count].filter { $0.sizes[method][size].isMeasured }, method, size, base,
          isWhole: isWhole)
      }
    }
  }

  /// One method and size, from areas that were compressed by it.
  private static func ratio(
    _ blocks: [SampleWork.Result], _ method: Int, _ size: Int, _ base: Estimate, isWhole: Bool
  ) -> Ratio {
    let own = Estimate(
      blocks.map { ($0.sizes[method][size].compressed, $0.sizes[method][size].raw) },
      isWhole: isWhole)
    guard !isWhole, base.ratio > 0 else { return own.asRatio }
    let here = Estimate(blocks.map { ($0.base, $0.baseRaw) }, isWhole: false)
    guard here.ratio > 0 else { return own.asRatio }
    // What the areas add is how a size compares with the base; both ratios vary together.
    let (top, bottom) = (blocks.map { $0.sizes[method][size] }, blocks)
    let parts = zip(top, bottom).map { pair in
      pair.0.compressed / own.top - pair.0.raw / own.bottom - pair.1.base / here.top
        + pair.1.baseRaw / here.bottom
    }
    let link = Estimate.interval(of: parts)
    let error = (base.relativeError * base.relativeError + link * link).squareRoot()
    return Ratio(value: own.ratio * base.ratio / here.ratio, relativeError: error)
  }

  /// The ratio of two sums, and its interval at 95 %.
  private struct Estimate {
    var ratio = 0.0
    var relativeError = 0.0
    var top = 0.0
    var bottom = 0.0

    init(_ pairs: [(Double, Double)], isWhole: Bool) {
      (top, bottom) = pairs.reduce((0, 0)) { ($0.0 + $1.0, $0.1 + $1.1) }
      guard bottom > 0, top > 0 else { return }
      ratio = top / bottom
      guard !isWhole else { return }
      let (ratio, top) = (ratio, top)
      relativeError = Self.interval(of: pairs.map { ($0.0 - ratio * $0.1) / top })
    }

    /// How far a sum over strata may be off, at 95 %, if each is known by a unit as different from it
    /// as neighbours are from each other.
    static func interval(of parts: [Double]) -> Double {
      guard parts.count > 1 else { return 0 }
      let squares = zip(parts, parts.dropFirst()).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
      return 1.96 * (squares / 2 * Double(parts.count) / Double(parts.count - 1)).squareRoot()
    }

    var asRatio: Ratio { ratio > 0 ? Ratio(value: ratio, relativeError: relativeError) : Ratio() }
  }
}
