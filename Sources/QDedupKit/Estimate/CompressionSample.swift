internal import DedupStore
internal import DiskIO
internal import DiskImage
internal import QCOW2
internal import Synchronization

/// What compression makes of an image's distinct clusters, from a bounded sample of them.
///
/// Three samples share the work, for what varies less needs less of it. Some 4,000 single pieces of
/// 4 KiB, compressed by the cheapest method, tell how compressible the disk is: that varies most from
/// place to place. Up to 192 areas of 128 KiB, compressed by zstd in some cluster sizes
/// (`SampleWork.anchor`), tell how these compare with that: a ratio of two sizes of the same data
/// varies little. Half of the areas, compressed in all sizes, tells how the other sizes compare
/// with those, and a quarter of them how zlib compares with zstd. The product is the prediction.
/// Uniform pieces and areas come on top, as many at the most (`DataSample`). If the areas are all
/// there is, they alone count, all of them in all sizes, and the result is exact, but for zlib in
/// large clusters, which follows from smaller ones (`SampleWork.Size.doubt`).
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

  /// What the compression of an image is for all images together: the ratio of its share of their
  /// distinct clusters, and how many bytes that share stands for.
  struct Share {
    var ratio: Ratio
    var weight: Double
  }

  /// What to compress by.
  let compressions: [Compression]
  /// For each of the compressions and each of `ImageScan.sizes`.
  private(set) var ratios: [[Ratio]] = []
  /// The same of all images together.
  private(set) var shares: [[Share]] = []
  /// How many bytes were compressed, each time counted.
  private(set) var compressedBytes: UInt64 = 0

  /// What is done with each of four areas after another.
  private static let kinds: [SampleWork.Task.Kind] = [.all, .anchors, .zstd, .anchors]

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
    let isWhole = counts.blocks.isWhole
    let blocks = counts.blocks.units
    let pieces = isWhole ? [] : counts.pieces.units
    let tasks =
      blocks.enumerated().map { number, unit in
        SampleWork.Task(unit, isWhole ? .all : Self.kinds[number % Self.kinds.count])
      } + pieces.map { SampleWork.Task($0, .piece) }
    // Where all is compressed, nothing is known by anything else.
    let methods = isWhole ? compressions : SampleWork.withZstd(compressions)
    let work = SampleWork(
      image: image, contents: contents, compressions: methods, progress: progress, tasks: tasks)
    let results = try work.run(threads: threads)
    compressedBytes = results.reduce(0) { $0 + $1.compressedBytes }
    let (own, shared) = (
      Measured(results, blocks.count, methods, \.own, isWhole),
      Measured(results, blocks.count, methods, \.shared, isWhole)
    )
    for method in compressions.indices {
      ratios.append(ImageScan.sizes.map { own.ratio(.init(method: method, size: $0)) })
      shares.append(
        ImageScan.sizes.map { size in
          let way = SampleWork.Way(method: method, size: size)
          return Share(ratio: shared.ratio(way), weight: shared.rawBytes(way))
        })
    }
  }

  /// What was compressed, by one of the two ways to count clusters.
  private struct Measured {
    private let blocks: ArraySlice<SampleWork.Result>
    private let methods: [Compression]
    private let part: KeyPath<SampleWork.Sizes, SampleWork.Size>
    private let base: Estimate
    private let isWhole: Bool

    init(
      _ results: [SampleWork.Result], _ blockCount: Int, _ methods: [Compression],
      _ part: KeyPath<SampleWork.Sizes, SampleWork.Size>, _ isWhole: Bool
    ) {
      blocks = results[..<blockCount]
      self.methods = methods
      self.part = part
      self.isWhole = isWhole
      base = Estimate(results[blockCount...].map { $0.base[keyPath: part] }, isWhole: isWhole)
    }

    private func size(_ way: SampleWork.Way, _ block: SampleWork.Result) -> SampleWork.Size {
      block.sizes[way.method][way.size][keyPath: part]
    }

    /// The bytes of clusters of one size in all areas.
    func rawBytes(_ way: SampleWork.Way) -> Double { blocks.reduce(0) { $0 + size(way, $1).raw } }

    /// One method and size, by how it compares with its anchor, or, if it has none, with the base.
    func ratio(_ way: SampleWork.Way) -> Ratio {
      let measured = blocks.filter { size(way, $0).isMeasured }
      let sizes = measured.map { size(way, $0) }
      let own = Estimate(sizes, isWhole: isWhole)
      if isWhole { return own.asRatio }
      guard let anchor = SampleWork.anchor(of: way, methods) else {
        return own.asRatio(
          of: sizes, against: measured.map { $0.base[keyPath: part] }, known: base.asRatio)
      }
      return own.asRatio(
        of: sizes, against: measured.map { size(anchor, $0) }, known: ratio(anchor))
    }
  }

  /// The ratio of two sums, and its interval at 95 %.
  private struct Estimate {
    var ratio = 0.0
    var relativeError = 0.0
    var top = 0.0
    var bottom = 0.0

    init(_ sizes: [SampleWork.Size], isWhole: Bool) {
      (top, bottom) = sizes.reduce((0, 0)) { ($0.0 + $1.compressed, $0.1 + $1.raw) }
      guard bottom > 0, top > 0 else { return }
      ratio = top / bottom
      guard !isWhole else {
        relativeError = sizes.reduce(0) { $0 + $1.doubt } / top
        return
      }
      let (ratio, top) = (ratio, top)
      relativeError = Self.interval(of: sizes.map { ($0.compressed - ratio * $0.raw) / top })
    }

    /// How far a sum over strata may be off, at 95 %, if each is known by a unit as different from it
    /// as neighbours are from each other.
    static func interval(of parts: [Double]) -> Double {
      guard parts.count > 1 else { return 0 }
      let squares = zip(parts, parts.dropFirst()).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
      return 1.96 * (squares / 2 * Double(parts.count) / Double(parts.count - 1)).squareRoot()
    }

    var asRatio: Ratio { ratio > 0 ? Ratio(value: ratio, relativeError: relativeError) : Ratio() }

    /// The ratio by what is known better of the same areas in another way, and how both compare in
    /// these areas: both vary together.
    ///
    /// - Parameters:
    ///   - sizes: What this was made of.
    ///   - others: The same areas in the other way.
    ///   - known: The ratio in the other way.
    /// - Returns: The ratio, as uncertain as both together.
    func asRatio(
      of sizes: [SampleWork.Size], against others: [SampleWork.Size], known: Ratio
    ) -> Ratio {
      let here = Estimate(others, isWhole: false)
      guard here.ratio > 0, ratio > 0 else { return asRatio }
      let parts = zip(sizes, others).map { size, other in
        size.compressed / top - size.raw / bottom - other.compressed / here.top
          + other.raw / here.bottom
      }
      let link = Self.interval(of: parts)
      return Ratio(
        value: ratio * known.value / here.ratio,
        relativeError: (known.relativeError * known.relativeError + link * link).squareRoot())
    }
  }
}
