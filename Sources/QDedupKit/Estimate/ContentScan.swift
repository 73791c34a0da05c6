internal import DiskIO
internal import DiskImage
internal import QCOW2

/// The scans of one or several images into the same sets, and the sample of each.
///
/// First all images are scanned, then all samples compressed: how much a cluster of a sample counts
/// depends on how often its content occurs in all of them.
struct ContentScan {
  private let contents: [DistinctSet]
  private(set) var counts: [ImageScan.Counts] = []
  /// For each size, what its set counted; there once all images are scanned.
  private(set) var tallies: [DistinctSet.Tally] = []
  private(set) var samples: [CompressionSample] = []
  /// The seconds that the samples took.
  private(set) var sampleSeconds = 0.0

  /// Scans images.
  ///
  /// - Parameters:
  ///   - images: At most 64.
  ///   - compressions: What to compress the samples by; none for no samples.
  ///   - memory: What the sets may take in bytes; what they hold beyond that is sampled.
  ///   - threads: How many threads work.
  ///   - progress: Where to count, and asked whether to go on.
  /// - Throws: `ConversionError`.
  init(
    _ images: [any ImageSource], compressions: [Compression], memory: UInt64, threads: Int,
    progress: Progress
  ) throws(ConversionError) {
    contents = try Self.sets(for: images, memory: memory)
    for (number, image) in images.enumerated() {
      progress.begin(.estimating, totalBytes: image.virtualSize)
      let scan = ImageScan(image, number: number, contents: contents, progress: progress)
      counts.append(try scan.run(threads: Self.workers(threads, image)))
      progress.reach(image.virtualSize)
    }
    tallies = contents.map { $0.tally(images: images.count) }
    let begin = ResourceUsage()
    for (image, count) in zip(images, counts) where !compressions.isEmpty {
      samples.append(
        try CompressionSample(
          of: image, count, contents, by: compressions, threads: Self.workers(threads, image),
          progress: progress))
    }
    sampleSeconds = ResourceUsage().wallSeconds - begin.wallSeconds
  }

  /// The sets of all sizes: each half as large as the one before, and all of them, with the one that
  /// a growing set is copied from, within the memory. They begin as large as full disks ask for,
  /// because growing takes time.
  private static func sets(
    for images: [any ImageSource], memory: UInt64
  ) throws(ConversionError) -> [DistinctSet] {
    var slots = 1 << 12
    let slotBytes = UInt64(DistinctSet.slotBytes(images: images.count))
    let pieces = images.reduce(0) { $0 + $1.virtualSize >> UInt64(ImageScan.pieceBits) }
    while UInt64(slots) * 2 * slotBytes * 3 <= memory { slots *= 2 }
    var sets: [DistinctSet] = []
    for size in ImageScan.sizes {
      sets.append(
        try converting(ConversionError.io) { () throws(IOError) in
          try DistinctSet(
            mostSlots: slots >> size, keys: pieces >> UInt64(size), images: images.count)
        })
    }
    return sets
  }

  /// How many threads may work so that their buffers stay within 64 MiB.
  private static func workers(_ threads: Int, _ image: any ImageSource) -> Int {
    min(threads, max(1, (64 << 20) / (ImageScan.blockBytes + image.bytesPerReader)))
  }

  /// The bytes that were read.
  var readBytes: UInt64 { counts.reduce(0) { $0 + $1.readBytes } }
  /// The bytes that were compressed.
  var compressedBytes: UInt64 { samples.reduce(0) { $0 + $1.compressedBytes } }

  /// What to expect of one image.
  func prediction(_ number: Int, virtualSize: UInt64) -> Prediction {
    let counts = counts[number]
    return Prediction(
      virtualSizes: [virtualSize], data: counts.data,
      unique: ImageScan.sizes.map { min(counts.data[$0], tallies[$0].distinct[number]) },
      uniqueError: tallies.map(\.relativeError),
      uniquePieces: ImageScan.sizes.map { size in
        let tally = tallies[size]
        return tally.pieces.isEmpty
          ? Self.pieces(counts.data, size, tally.distinct[number]) : tally.pieces[number]
      },
      l2Tables: ImageScan.sizes.map { counts.l2Tables($0) },
      highestReferences: tallies.map { UInt32($0.mostFrequent) })
  }

  /// What to expect of all images in one file.
  func prediction(ofAll virtualSizes: [UInt64]) -> Prediction {
    let data = ImageScan.sizes.map { size in counts.reduce(0) { $0 + $1.data[size] } }
    return Prediction(
      virtualSizes: virtualSizes, data: data,
      unique: ImageScan.sizes.map { min(data[$0], tallies[$0].union) },
      uniqueError: tallies.map(\.relativeError),
      uniquePieces: ImageScan.sizes.map { size in
        let tally = tallies[size]
        return tally.pieces.isEmpty
          ? Self.pieces(data, size, tally.union) : tally.unionPieces
      },
      l2Tables: ImageScan.sizes.map { size in counts.reduce(0) { $0 + $1.l2Tables(size) } },
      highestReferences: tallies.map { UInt32($0.mostFrequent) })
  }

  /// How many pieces with data so many distinct clusters have, if they are like all clusters.
  private static func pieces(_ data: [UInt64], _ size: Int, _ unique: UInt64) -> UInt64 {
    UInt64(Double(unique) * Double(data[0]) / Double(max(1, data[size])))
  }

  /// What the compression of a number makes of all images' distinct clusters.
  func ratioOfAll(_ compression: Int, _ size: Int) -> CompressionSample.Ratio {
    let parts = samples.map { $0.shares[compression][size] }
    let total = parts.reduce(0) { $0 + $1.weight }
    guard total > 0 else { return .init() }
    var ratio = CompressionSample.Ratio(value: 0)
    for part in parts {
      ratio.value += part.ratio.value * part.weight / total
      ratio.relativeError = max(ratio.relativeError, part.ratio.relativeError)
    }
    return ratio
  }
}
