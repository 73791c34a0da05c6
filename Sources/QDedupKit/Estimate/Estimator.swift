internal import DiskImage
internal import QCOW2

/// What an estimate looks at, checked before any I/O.
public struct EstimateOptions: Sendable {
  /// The images: files or block devices, 1 to `mostImages`.
  public var images: [InputOptions]
  /// What may be remembered of contents in memory, in bytes; beyond that a sample is counted.
  public var indexMemory = EstimateOptions.standardIndexMemory
  /// How many threads work, at least 1.
  public var threads: Int

  /// The most images.
  public static let mostImages = 64
  /// Enough to count all of some 7 GiB of distinct data exactly, and the rest to 0.2 %.
  public static let standardIndexMemory: UInt64 = 64 << 20

  /// The options that have no defaults.
  public init(images: [InputOptions], threads: Int) {
    self.images = images
    self.threads = max(1, threads)
  }
}

/// Predicts what conversions of images would give, in one pass over each, without writing anything.
///
/// 1. `ImageScan` reads each image and counts zeros and distinct contents in clusters of six sizes.
/// 2. `CompressionSample` reads some hundred places again and compresses them.
/// 3. `Prediction` and `PredictedFile` compute the files from that.
///
/// Memory is bounded by `indexMemory` and some MiB; what is predicted depends on content and options
/// alone.
public struct Estimator: Sendable {
  /// Called when all images are read, before it is checked that they are what they were: for tests.
  var whenRead: @Sendable () -> Void = {}

  private let options: EstimateOptions
  private let progress: Progress

  /// An estimate that begins with `run`.
  ///
  /// - Parameters:
  ///   - options: What to look at.
  ///   - progress: Where to count, and to be told to stop.
  public init(_ options: EstimateOptions, progress: Progress = Progress()) {
    self.options = options
    self.progress = progress
  }

  /// Looks at all images.
  ///
  /// - Returns: What to expect.
  /// - Throws: `ConversionError`.
  public func run() throws(ConversionError) -> EstimateReport {
    let begin = ResourceUsage()
    var opened: [(input: OpenedInput, image: any ImageSource)] = []
    for image in options.images {
      let input = try converting(ConversionError.image) { () throws(ImageError) in
        try OpenedInput(image, progress: progress)
      }
      guard case .image(let image) = input.source else { throw .cannotEstimatePipe(input.name) }
      opened.append((input, image))
    }
    let compressions = [Compression(.zlib)!, Compression(.zstd)!]
    let scan = try ContentScan(
      opened.map(\.image), compressions: compressions, memory: options.indexMemory,
      threads: options.threads, progress: progress)
    var images: [EstimateReport.Image] = []
    for (number, one) in opened.enumerated() {
      images.append(try image(number, one.input, one.image, scan))
    }
    whenRead()
    for one in opened { try converting(ConversionError.image, one.input.requireUnchanged) }
    let end = ResourceUsage()
    progress.finish(opened.last?.image.virtualSize ?? 0)
    return EstimateReport(
      tool: .current, images: images,
      together: opened.count > 1 ? together(opened.map(\.image.virtualSize), scan) : nil,
      pairs: pairs(scan, opened.count),
      cost: .init(
        wallSeconds: end.wallSeconds - begin.wallSeconds, sampleSeconds: scan.sampleSeconds,
        readBytes: scan.readBytes, compressedBytes: scan.compressedBytes,
        peakRssBytes: end.peakResidentBytes))
  }

  private func image(
    _ number: Int, _ input: OpenedInput, _ image: any ImageSource, _ scan: ContentScan
  ) throws(ConversionError) -> EstimateReport.Image {
    let prediction = scan.prediction(number, virtualSize: image.virtualSize)
    let sizes = prediction.possibleSizes.map { size in
      prediction.clusterSize(
        size, zlib: scan.samples[number].ratios[0][size],
        zstd: scan.samples[number].ratios[1][size])
    }
    guard !sizes.isEmpty else { throw Self.tooLarge(input.name, image.virtualSize) }
    let table = PartitionTable(of: image)
    let largest = UInt64(Prediction.geometry(ImageScan.sizes.upperBound).clusterSize)
    return EstimateReport.Image(
      path: input.name, format: input.format.rawValue, virtualSize: image.virtualSize,
      fileSize: image.fileSize, partitionStarts: table.starts, clusterSizes: sizes,
      recommended: .init(sizes),
      partitionAlignment: table.alignment.flatMap { $0 < largest ? $0 : nil })
  }

  /// A disk that is too large for all sizes that are looked at.
  static func tooLarge(_ name: String, _ virtualSize: UInt64) -> ConversionError {
    let geometry = Prediction.geometry(ImageScan.sizes.upperBound)
    return .inputTooLarge(
      name,
      .diskTooLarge(
        virtualSize: virtualSize, clusterSize: geometry.clusterSize,
        limit: ImageLimits(geometry).virtualSize))
  }

  private func together(
    _ virtualSizes: [UInt64], _ scan: ContentScan
  ) -> EstimateReport.Together? {
    let prediction = scan.prediction(ofAll: virtualSizes)
    let sizes = prediction.possibleSizes.map { size in
      prediction.clusterSize(
        size, zlib: scan.ratioOfAll(0, size), zstd: scan.ratioOfAll(1, size))
    }
    guard !sizes.isEmpty else { return nil }
    return .init(
      virtualSize: prediction.virtualSize, clusterSizes: sizes, recommended: .init(sizes))
  }

  private func pairs(_ scan: ContentScan, _ images: Int) -> [EstimateReport.Pair] {
    (0..<images).flatMap { first in
      (first + 1..<max(images, first + 1)).map { second in
        EstimateReport.Pair(
          first: first, second: second,
          shared: ImageScan.sizes.map { size in
            let (clusters, geometry) = (
              scan.tallies[size].shared[first][second], Prediction.geometry(size)
            )
            return .init(
              clusterSize: geometry.clusterSize, clusters: clusters,
              bytes: clusters << UInt64(geometry.clusterBits))
          })
      }
    }
  }
}
