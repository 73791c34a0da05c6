internal import DedupStore
internal import DiskIO
internal import DiskImage
internal import QCOW2
internal import Synchronization

/// Compresses the units of a sample, with several threads; results stay in the order of the tasks.
final class SampleWork: Sendable {
  /// A unit to compress.
  struct Task {
    /// How much is done with a unit.
    enum Kind: Comparable {
      /// A piece of 4 KiB, compressed by `base`.
      case piece
      /// An area of 128 KiB, compressed by zstd in the sizes that others are known by.
      case anchors
      /// One that is compressed by zstd in all sizes.
      case zstd
      /// One that is compressed by all methods in all sizes.
      case all
    }

    let unit: StratifiedSample.Unit
    let kind: Kind

    init(_ unit: StratifiedSample.Unit, _ kind: Kind) {
      self.unit = unit
      self.kind = kind
    }

    /// Whether the unit is compressed in a size.
    func includes(_ size: Int, _ compression: Compression) -> Bool {
      switch compression.method {
      case .zlib: kind == .all
      case .zstd:
        kind >= .zstd || kind == .anchors && SampleWork.anchorSizes[size] == size
      }
    }
  }

  /// Bytes of distinct clusters that a unit stands for, those of pieces of zeros not counted: each
  /// cluster of the unit counts as often as the stratum has units, by how often it occurs.
  struct Size {
    var raw = 0.0
    var compressed = 0.0
    /// How far `compressed` may be off, because it follows from smaller clusters.
    var doubt = 0.0
    var isMeasured: Bool { compressed > 0 }
  }

  /// The same for the distinct clusters of the image, and for the image's share of those that all
  /// images have together: there a cluster counts by how often it occurs in all of them.
  struct Sizes {
    var own = Size()
    var shared = Size()
  }

  struct Result {
    /// For each compression and size.
    var sizes: [[Sizes]]
    /// In clusters of 4 KiB by `base`.
    var base = Sizes()
    var compressedBytes: UInt64 = 0
  }

  /// A way to compress: the number of a compression, and a size.
  struct Way: Equatable {
    var method: Int
    var size: Int
  }

  /// The way whose compressed bytes tell most of those of another; nil if `base` tells more.
  ///
  /// By zstd, all areas are compressed in the sizes that have no anchor, and half of them in the others,
  /// which tells how these compare. zlib takes four times as long: a quarter of the areas is compressed
  /// by it, which tells how it compares with zstd in clusters of the same size.
  ///
  /// - Parameters:
  ///   - way: What to find the anchor of.
  ///   - compressions: What its method is a number of, zstd among them.
  /// - Returns: The anchor.
  static func anchor(of way: Way, _ compressions: [Compression]) -> Way? {
    if compressions[way.method].method == .zlib {
      return compressions.firstIndex { $0.method == .zstd }.map { Way(method: $0, size: way.size) }
    }
    let size = anchorSizes[way.size]
    return size == way.size ? nil : Way(method: way.method, size: size)
  }

  /// For each size by zstd, the one that tells most of it.
  private static let anchorSizes = [0, 2, 2, 4, 4, 5]

  /// The compressions, and zstd at the end if it is not among them, because others are known by it.
  static func withZstd(_ compressions: [Compression]) -> [Compression] {
    compressions.contains { $0.method == .zstd } ? compressions : compressions + [base]
  }

  private let image: any ImageSource
  private let contents: [DistinctSet]
  private let compressions: [Compression]
  private let progress: Progress
  private let tasks: [Task]
  private let next = Atomic(0)
  private let state: Mutex<(results: [Result], failure: ConversionError?)>

  /// The method by which all units are compressed: the fastest.
  fileprivate static let base = Compression(.zstd)!

  init(
    image: any ImageSource, contents: [DistinctSet], compressions: [Compression],
    progress: Progress, tasks: [Task]
  ) {
    self.image = image
    self.contents = contents
    self.compressions = compressions
    self.progress = progress
    self.tasks = tasks
    let empty = Result(
      sizes: compressions.map { _ in ImageScan.sizes.map { _ in Sizes() } })
    state = Mutex((Array(repeating: empty, count: tasks.count), nil))
  }

  /// Compresses all units.
  ///
  /// - Parameter threads: How many threads work.
  /// - Returns: A result for each task.
  /// - Throws: `ConversionError`: the first error of any thread.
  func run(threads: Int) throws(ConversionError) -> [Result] {
    let fail: @Sendable (ConversionError) -> Void = { error in
      self.state.withLock { if $0.failure == nil { $0.failure = error } }
    }
    WorkerThread.runAll(threads, onFailure: fail) { () throws(ConversionError) in
      let worker = try SampleWorker(self.compressions, base: Self.base)
      while true {
        let index = self.next.add(1, ordering: .relaxed).oldValue
        guard index < self.tasks.count, self.state.withLock({ $0.failure == nil }) else { return }
        if self.progress.isCancelled { throw .interrupted }
        let result = try worker.compress(
          self.tasks[index], of: self.image, contents: self.contents)
        self.state.withLock { $0.results[index] = result }
      }
    }
    return try state.withLock { state throws(ConversionError) in
      if let failure = state.failure { throw failure }
      return state.results
    }
  }
}

/// What one thread compresses with. Its contexts are made when they are first needed.
private final class SampleWorker {
  private let compressions: [Compression]
  private let base: ClusterCompressor
  private var compressors: [[ClusterCompressor?]]
  private let buffer: AlignedBuffer
  private let output: AlignedBuffer

  init(_ compressions: [Compression], base: Compression) throws(ConversionError) {
    self.compressions = compressions
    compressors = compressions.map { _ in ImageScan.sizes.map { _ in nil } }
    buffer = try Self.buffer(Self.blockBytes)
    output = try Self.buffer(Compression.bound(clusterSize: Self.blockBytes))
    self.base = try converting(ConversionError.compression) { () throws(CompressionError) in
      try ClusterCompressor(base, clusterSize: 1 << ImageScan.pieceBits)
    }
  }

  private static func buffer(_ byteCount: Int) throws(ConversionError) -> AlignedBuffer {
    do { return try AlignedBuffer(byteCount: byteCount, purpose: "a sample") } catch {
      throw .io(error)
    }
  }

  private static let blockBytes = 1 << (ImageScan.pieceBits + ImageScan.sizes.upperBound)

  func compress(
    _ task: SampleWork.Task, of image: any ImageSource, contents: [DistinctSet]
  ) throws(ConversionError) -> SampleWork.Result {
    let isBlock = task.kind > .piece
    let count = isBlock ? Self.blockBytes : 1 << ImageScan.pieceBits
    let bytes = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<count])
    try converting(ConversionError.image) { () throws(ImageError) in
      try image.read(into: bytes, at: GuestOffset(task.unit.offset))
    }
    let pieces = SamplePieces(UnsafeRawBufferPointer(bytes))
    var result = SampleWork.Result(
      sizes: compressions.map { _ in ImageScan.sizes.map { _ in SampleWork.Sizes() } })
    // The unit stands for its stratum.
    let factor = Double(task.unit.weight)
    let inBase = try compressed(pieces, 0, base, &result.compressedBytes)
    result.base = sum(pieces, 0, inBase, contents, factor)
    guard isBlock else { return result }
    for (method, compression) in compressions.enumerated() {
      var bytes: [CompressedCluster] = []
      for size in ImageScan.sizes {
        if !task.includes(size, compression) {
          bytes = notCompressed(pieces, size)
        } else if size == 0, compression == SampleWork.base {
          bytes = inBase
        } else {
          let compressor = try compressor(method, size)
          bytes =
            compressor.hasSmallWindow && size > Self.slowSize
            ? extrapolate(size, bytes)
            : try compressed(pieces, size, compressor, &result.compressedBytes)
        }
        result.sizes[method][size] = sum(pieces, size, bytes, contents, factor)
      }
    }
    return result
  }

  /// 0 for each cluster of a unit.
  private func notCompressed(_ pieces: SamplePieces, _ size: Int) -> [CompressedCluster] {
    Array(repeating: CompressedCluster(bytes: 0), count: pieces.digests.count >> size)
  }

  private func compressor(
    _ method: Int, _ size: Int
  ) throws(ConversionError) -> ClusterCompressor {
    if let known = compressors[method][size] { return known }
    let compression = compressions[method]
    let new = try converting(ConversionError.compression) { () throws(CompressionError) in
      try ClusterCompressor(compression, clusterSize: 1 << (ImageScan.pieceBits + size))
    }
    compressors[method][size] = new
    return new
  }

  /// What each cluster of a unit takes compressed; 0 for zeros.
  private func compressed(
    _ pieces: SamplePieces, _ size: Int, _ compressor: ClusterCompressor, _ count: inout UInt64
  ) throws(ConversionError) -> [CompressedCluster] {
    var sizes: [CompressedCluster] = []
    for first in stride(from: 0, to: pieces.digests.count, by: 1 << size) {
      guard pieces.dataCount(first, size) > 0 else {
        sizes.append(CompressedCluster(bytes: 0))
        continue
      }
      let cluster = pieces.cluster(first, size)
      count += UInt64(cluster.count)
      let bytes = try converting(ConversionError.compression) { () throws(CompressionError) in
        try compressor.compress(cluster, into: output.bytes)
      }
      sizes.append(CompressedCluster(bytes: bytes))
    }
    return sizes
  }

  /// Adds up the clusters of a unit that hold data, each by its share of the distinct ones.
  private func sum(
    _ pieces: SamplePieces, _ size: Int, _ compressed: [CompressedCluster],
    _ contents: [DistinctSet],
    _ factor: Double
  ) -> SampleWork.Sizes {
    var sum = SampleWork.Sizes()
    for (index, cluster) in compressed.enumerated() {
      let first = index << size
      guard pieces.dataCount(first, size) > 0 else { continue }
      let seen = contents[size].occurrences(pieces.key(first, size)) ?? (1, 1)
      let share = factor / Double(max(1, seen.times))
      let raw = share * Double(pieces.dataCount(first, size) << ImageScan.pieceBits)
      sum.shared.raw += raw
      sum.shared.compressed += share * Double(cluster.bytes)
      sum.shared.doubt += share * Double(cluster.doubt)
      sum.own.raw += Double(seen.images) * raw
      sum.own.compressed += Double(seen.images) * share * Double(cluster.bytes)
      sum.own.doubt += Double(seen.images) * share * Double(cluster.doubt)
    }
    return sum
  }

  /// Clusters larger than the largest that is compressed with a window of 4 KiB, by those of half
  /// their size. It sees the same in all of them, but for what is before its beginning. Clusters of
  /// few bytes have not much of them to save: an eighth at the most.
  private func extrapolate(_ size: Int, _ halves: [CompressedCluster]) -> [CompressedCluster] {
    stride(from: 0, to: halves.count, by: 2).map { first in
      let parts = halves[first..<first + 2]
      let bytes = parts.reduce(0) { $0 + $1.bytes }
      let data = parts.reduce(0) { $1.bytes > 0 ? $0 + 1 << (ImageScan.pieceBits + size - 1) : $0 }
      let gain = min(Int(Double(max(0, data - bytes)) * Self.smallWindowGain[size]!), bytes / 8)
      return CompressedCluster(bytes: bytes - gain, doubt: gain + parts.reduce(0) { $0 + $1.doubt })
    }
  }

  /// The largest size that is compressed with a window of 4 KiB: 32 KiB.
  private static let slowSize = 3
  /// By what part of what compression saves it saves more in clusters of twice the size then:
  /// measured on two root file systems, where it differed by less than a tenth of itself.
  private static let smallWindowGain = [4: 0.0025, 5: 0.0012]
}
