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
/// Several threads read blocks of `blockBytes` at a time, each its own; what they found goes into
/// the shared counts under one lock, 126 insertions a block. A thread that finds the lock taken goes
/// on to the next block first, up to `mostPending` of them. Nothing that comes out depends on which
/// thread was first.
struct ImageScan: Sendable {
  /// The binary logarithm of a piece's size.
  static let pieceBits = 12
  /// The cluster sizes that are looked at, as powers of two times a piece: 4 KiB to 128 KiB.
  static let sizes = 0...5
  /// The bytes that a thread reads at once, a multiple of every cluster size.
  static let blockBytes = 256 << 10
  private static let pieces = blockBytes >> pieceBits
  /// Of how many blocks a thread keeps what it found, while others count.
  private static let mostPending = 8

  /// What is counted of one image.
  struct Counts {
    /// How many clusters of each size hold something other than zeros.
    var data = Array(repeating: UInt64(0), count: sizes.count)
    /// Which areas of 2 MiB, the reach of an L2 table of 4 KiB, have data.
    var areas: Set<UInt64> = []
    /// Single pieces, and areas of 128 KiB, to compress.
    var pieces: StratifiedSample
    var blocks: StratifiedSample
    /// How many areas of 128 KiB have data.
    var dataBlocks: UInt64 = 0
    /// The bytes that were read.
    var readBytes: UInt64 = 0

    init() {
      pieces = StratifiedSample(bits: 14, limit: 4096)
      blocks = StratifiedSample(bits: 17, limit: 192)
    }

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
      var (found, pending) = (Array(repeating: Found(), count: Self.mostPending), 0)
      while let block = try cursor.withLock({ cursor throws(ConversionError) in
        try claim(&cursor)
      }) {
        if progress.isCancelled { throw .interrupted }
        if shared.hasFailed { return }
        let bytes = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<block.count])
        try converting(ConversionError.image) { () throws(ImageError) in
          try image.read(into: bytes, at: block.start)
        }
        found[pending].look(at: UnsafeRawBufferPointer(bytes), from: block.start)
        pending += 1
        let isAdded = try converting(ConversionError.io) { () throws(IOError) in
          try shared.add(found[..<pending], image: number, waits: pending == Self.mostPending)
        }
        if isAdded { pending = 0 }
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

  /// What one thread found in one block. Its memory is used again for the next.
  private struct Found {
    /// The digest of each piece; (0, 0) for zeros.
    private var digests: [Digest]
    /// For each size, the keys of its clusters with data.
    var keys: [[UInt64]]
    /// How many pieces of each are not zeros.
    var weights: [[UInt8]]
    var piece: [StratifiedSample.Unit] = []
    var blocks: [StratifiedSample.Unit] = []
    var start = GuestOffset(0)
    var readBytes: UInt64 = 0

    init() {
      digests = Array(repeating: ImageScan.zero, count: pieces)
      keys = Array(repeating: [], count: sizes.count)
      weights = Array(repeating: [], count: sizes.count)
    }

    mutating func look(at bytes: UnsafeRawBufferPointer, from start: GuestOffset) {
      self.start = start
      readBytes = UInt64(bytes.count)
      for size in sizes {
        keys[size].removeAll(keepingCapacity: true)
        weights[size].removeAll(keepingCapacity: true)
      }
      piece.removeAll(keepingCapacity: true)
      blocks.removeAll(keepingCapacity: true)
      for index in 0..<pieces {
        digests[index] =
          index << pieceBits < bytes.count ? ImageScan.digest(bytes, index) : ImageScan.zero
        guard digests[index] != ImageScan.zero else { continue }
        let offset = start.bytes + UInt64(index << pieceBits)
        Self.note(
          .init(key: digests[index].low, offset: offset, weight: 1), in: &piece, bits: 14)
        keys[0].append(digests[index].low)
        weights[0].append(1)
      }
      for size in sizes.dropFirst() { combine(size) }
    }

    /// The clusters that are 2^size pieces large.
    private mutating func combine(_ size: Int) {
      for first in stride(from: 0, to: pieces, by: 1 << size) {
        let parts = first..<first + 1 << size
        var weight: UInt8 = 0
        for part in parts where digests[part] != ImageScan.zero { weight += 1 }
        guard weight > 0 else { continue }
        let key = ImageScan.key(of: digests[parts])
        keys[size].append(key)
        weights[size].append(weight)
        if size == sizes.upperBound {
          let offset = start.bytes + UInt64(first << pieceBits)
          Self.note(
            .init(key: key, offset: offset, weight: 1), in: &blocks, bits: 17)
        }
      }
    }

    /// Keeps a unit, or counts it to one of the same stratum that has a smaller key.
    private static func note(
      _ unit: StratifiedSample.Unit, in list: inout [StratifiedSample.Unit], bits: UInt64
    ) {
      guard let last = list.last, last.offset >> bits == unit.offset >> bits else {
        return list.append(unit)
      }
      if (unit.key, unit.offset) < (last.key, last.offset) { list[list.count - 1] = unit }
      list[list.count - 1].weight = last.weight + unit.weight
    }
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
  static func key(of digests: ArraySlice<Digest>) -> UInt64 {
    digests.count == 1
      ? digests.first!.low : digests.withUnsafeBytes { Digest(of: $0) }.low
  }

  /// What the threads of a scan share.
  private final class Shared: Sendable {
    private struct State {
      var counts = Counts()
      var failure: ConversionError?
    }

    private let state = Mutex(State())
    private let contents: [DistinctSet]

    init(_ contents: [DistinctSet]) { self.contents = contents }

    var counts: Counts { state.withLock { $0.counts } }
    var failure: ConversionError? { state.withLock { $0.failure } }
    var hasFailed: Bool { failure != nil }

    func fail(_ error: ConversionError) {
      state.withLock { if $0.failure == nil { $0.failure = error } }
    }

    /// Counts what was found in blocks.
    ///
    /// - Parameters:
    ///   - blocks: The blocks.
    ///   - image: The number of their image.
    ///   - waits: Whether to wait while another thread counts.
    /// - Returns: Whether they are counted.
    /// - Throws: `IOError` of `.allocate` if there is no memory for more contents.
    func add(_ blocks: ArraySlice<Found>, image: Int, waits: Bool) throws(IOError) -> Bool {
      func count(_ state: inout State) throws(IOError) {
        for block in blocks { try add(block, image: image, to: &state.counts) }
      }
      if waits {
        try state.withLock { (state) throws(IOError) in try count(&state) }
        return true
      }
      return try state.withLockIfAvailable { (state) throws(IOError) in try count(&state) } != nil
    }

    private func add(_ found: Found, image: Int, to counts: inout Counts) throws(IOError) {
      counts.readBytes += found.readBytes
      guard !found.keys[0].isEmpty else { return }
      counts.areas.insert(found.start.bytes >> 21)
      for size in sizes { for key in found.keys[size] { contents[size].announce(key) } }
      for size in sizes {
        counts.data[size] += UInt64(found.keys[size].count)
        for (key, weight) in zip(found.keys[size], found.weights[size]) {
          try contents[size].insert(key, image: image, pieces: weight)
        }
      }
      counts.dataBlocks += UInt64(found.keys[sizes.upperBound].count)
      for unit in found.piece { counts.pieces.add(unit) }
      for unit in found.blocks { counts.blocks.add(unit) }
    }
  }
}
