internal import DedupStore
internal import DiskIO
internal import DiskImage
internal import Synchronization

/// What one pass over an image finds: which clusters of each size are zeros, and which contents the
/// others have.
///
/// Each piece of 4 KiB is read and digested once. A larger cluster is known by the digest of the
/// digests of its pieces: two of them are equal exactly if all their pieces are, but for collisions,
/// so six sizes cost hardly more than one. Pieces of zeros have no digest (0).
///
/// Several threads read blocks of `blockBytes` at a time, each its own; what they found
/// (`BlockContents`) goes into the shared counts under one lock, at most 126 insertions a block. A
/// thread that finds the lock taken goes on to the next block first, up to `mostPending` of them.
/// Nothing that comes out depends on which thread was first.
struct ImageScan: Sendable {
  /// The binary logarithm of a piece's size.
  static let pieceBits = 12
  /// The cluster sizes that are looked at, as powers of two times a piece: 4 KiB to 128 KiB.
  static let sizes = 0...5
  /// The bytes that a thread reads at once, a multiple of every cluster size.
  static let blockBytes = 256 << 10
  /// Of how many blocks a thread keeps what it found, while others count.
  private static let mostPending = 8

  /// What is counted of one image.
  struct Counts {
    /// How many clusters of each size hold something other than zeros.
    var data = Array(repeating: UInt64(0), count: sizes.count)
    /// Which areas of 2 MiB, the reach of an L2 table of 4 KiB, have data.
    var areas: Set<UInt64> = []
    /// Single pieces, and areas of 128 KiB, to compress.
    var pieces = DataSample(bits: 14, limit: 4096)
    var blocks = DataSample(bits: 17, limit: 192)
    /// The bytes that were read.
    var readBytes: UInt64 = 0

    /// How large the strata of both samples are by now.
    var strata: BlockContents.Strata { .init(pieces: pieces.strata, blocks: blocks.strata) }

    /// How many L2 tables map the data in clusters of a size.
    func l2Tables(_ size: Int) -> UInt64 {
      UInt64(Set(areas.map { $0 >> UInt64(2 * size) }).count)
    }
  }

  private struct Cursor {
    var offset = GuestOffset(0)
    var data: DataCursor
  }

  private let image: any ImageSource
  private let number: Int
  private let contents: [DistinctSet]
  private let progress: Progress

  /// - Parameters:
  ///   - image: What to read.
  ///   - number: Its number among all images.
  ///   - contents: A set for each of `sizes`, which other images may have been counted into.
  ///   - progress: Where to count, and asked whether to go on.
  init(
    _ image: any ImageSource, number: Int, contents: [DistinctSet], progress: Progress
  ) {
    self.image = image
    self.number = number
    self.contents = contents
    self.progress = progress
  }

  /// Reads the image.
  ///
  /// - Parameter threads: How many threads read.
  /// - Returns: What was found besides what went into `contents`.
  /// - Throws: `ConversionError`: the first error of any thread.
  func run(threads: Int) throws(ConversionError) -> Counts {
    let shared = Shared(contents)
    let cursor = Mutex(Cursor(data: DataCursor(image)))
    WorkerThread.runAll(threads, onFailure: shared.fail) { () throws(ConversionError) in
      let buffer = try converting(ConversionError.io) { () throws(IOError) in
        try AlignedBuffer(byteCount: Self.blockBytes, purpose: "what is read of an image")
      }
      var found = Array(repeating: BlockContents(), count: Self.mostPending)
      var (pending, strata) = (0, Counts().strata)
      while let block = try cursor.withLock({ cursor throws(ConversionError) in
        try claim(&cursor)
      }) {
        if progress.isCancelled { throw .interrupted }
        if shared.hasFailed { return }
        let bytes = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<block.count])
        try converting(ConversionError.image) { () throws(ImageError) in
          try image.read(into: bytes, at: block.start)
        }
        found[pending].look(at: UnsafeRawBufferPointer(bytes), from: block.start, strata)
        pending += 1
        let added = try converting(ConversionError.io) { () throws(IOError) in
          try shared.add(found[..<pending], image: number, waits: pending == Self.mostPending)
        }
        if let added { (pending, strata) = (0, added) }
        progress.reach(block.start.bytes + UInt64(block.count))
      }
      _ = try converting(ConversionError.io) { () throws(IOError) in
        try shared.add(found[..<pending], image: number, waits: true)
      }
    }
    if let failure = shared.failure { throw failure }
    return shared.counts
  }

  /// Takes the next block of the grid that touches data.
  private func claim(
    _ cursor: inout Cursor
  ) throws(ConversionError) -> (start: GuestOffset, count: Int)? {
    let next = try converting(ConversionError.image) { () throws(ImageError) in
      try cursor.data.next(from: cursor.offset)
    }
    guard let next else { return nil }
    let size = UInt64(Self.blockBytes)
    let start = next.start.bytes / size * size
    let rest = image.virtualSize - start
    let piece: UInt64 = 1 << UInt64(Self.pieceBits)
    let count = min(size, (rest + piece - 1) / piece * piece)
    cursor.offset = GuestOffset(min(image.virtualSize, start + size))
    return (GuestOffset(start), Int(count))
  }

  /// What stands for the digest of a piece of zeros.
  static let zero = Digest(high: 0, low: 0)

  /// The digest of a piece of 4 KiB, or `zero`.
  static func digest(_ bytes: UnsafeRawBufferPointer, _ index: Int) -> Digest {
    let first = index << pieceBits
    let piece = UnsafeRawBufferPointer(rebasing: bytes[first..<first + 1 << pieceBits])
    return piece.isAllZeros ? zero : Digest(of: piece)
  }

  /// The key of a cluster: half of the digest of its pieces' digests.
  static func key(of digests: UnsafeBufferPointer<Digest>) -> UInt64 {
    digests.count == 1 ? digests[0].low : Digest(of: UnsafeRawBufferPointer(digests)).low
  }

  /// What the threads of a scan share. The error has a lock of its own: each thread looks at it
  /// before each block, and must not wait for another that counts.
  private final class Shared: Sendable {
    private let state = Mutex(Counts())
    private let error = Mutex<ConversionError?>(nil)
    private let contents: [DistinctSet]

    init(_ contents: [DistinctSet]) { self.contents = contents }

    var counts: Counts { state.withLock { $0 } }
    var failure: ConversionError? { error.withLock { $0 } }
    var hasFailed: Bool { error.withLock { $0 != nil } }

    func fail(_ error: ConversionError) {
      self.error.withLock { if $0 == nil { $0 = error } }
    }

    /// Counts what was found in blocks.
    ///
    /// - Parameters:
    ///   - blocks: The blocks.
    ///   - image: The number of their image.
    ///   - waits: Whether to wait while another thread counts.
    /// - Returns: How large the strata of the samples are now; nil if nothing was counted.
    /// - Throws: `IOError` of `.allocate` if there is no memory for more contents.
    func add(
      _ blocks: ArraySlice<BlockContents>, image: Int, waits: Bool
    ) throws(IOError) -> BlockContents.Strata? {
      func count(_ counts: inout Counts) throws(IOError) -> BlockContents.Strata {
        for block in blocks { try add(block, image: image, to: &counts) }
        return counts.strata
      }
      if waits {
        return try state.withLock { (counts) throws(IOError) in try count(&counts) }
      }
      return try state.withLockIfAvailable { (counts) throws(IOError) in try count(&counts) }
    }

    private func add(
      _ block: BlockContents, image: Int, to counts: inout Counts
    ) throws(IOError) {
      counts.readBytes += block.readBytes
      guard block.hasData else { return }
      counts.areas.insert(block.start.bytes >> 21)
      for size in sizes { contents[size].announce(block.clusters(size)) }
      for size in sizes {
        let clusters = block.clusters(size)
        counts.data[size] += UInt64(clusters.count)
        try contents[size].insert(clusters, image: image)
      }
      for unit in block.pieces { counts.pieces.add(unit) }
      for unit in block.blocks { counts.blocks.add(unit) }
    }
  }
}
