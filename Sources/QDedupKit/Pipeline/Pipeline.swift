internal import DedupStore
internal import DiskIO
internal import DiskImage
internal import QCOW2

/// Moves all batches of a source through a conversion, with several threads and one order.
///
/// Each worker takes a batch through these steps and then takes the next one:
///
///     read, digest → wait for its turn → [place the batch that is due, resolve this one] →
///     write what has got its place → verify and compress this one
///
/// Only the part in brackets happens in order, by one worker at a time. The batch that is due is
/// the one `lag` batches with data before, so what a lookup sees is the same for any number of
/// threads.
final class Pipeline: @unchecked Sendable {
  // Unchecked: `sequencer`, `pending` and `retained` are touched only by the worker whose turn it
  // is, and turns change hands under the monitor's lock.

  private struct Turns {
    var next: UInt64 = 0
    var failure: ConversionError?
  }

  private let source: any BatchSource
  private let output: AtomicFile
  private let shape: BatchShape
  private let pool: BatchPool
  private let compression: Compression?
  private let progress: Progress
  private let digest: @Sendable (UnsafeRawBufferPointer) -> Digest
  private let turns = Monitor(Turns())
  private let written = WrittenPrefix()

  private let sequencer: Sequencer
  /// Batches that are resolved and not placed, oldest first: at most `lag`.
  private var pending: [Batch] = []
  /// Batches of a compressed image that are placed and may still be compared with, oldest first: at
  /// most `lag`.
  private var retained: [Batch] = []

  init(
    source: any BatchSource, sequencer: Sequencer, output: AtomicFile, pool: BatchPool,
    shape: BatchShape, compression: Compression?, progress: Progress,
    digest: @escaping @Sendable (UnsafeRawBufferPointer) -> Digest
  ) {
    self.source = source
    self.sequencer = sequencer
    self.output = output
    self.pool = pool
    self.shape = shape
    self.compression = compression
    self.progress = progress
    self.digest = digest
  }

  /// Runs until the source has nothing left.
  ///
  /// - Parameter threads: How many workers.
  /// - Throws: The first error of any worker.
  func run(threads: Int) throws(ConversionError) {
    WorkerThread.runAll(threads, onFailure: fail) { [self] () throws(ConversionError) in
      try work()
    }
    if let failure = turns.read({ $0.failure }) { throw failure }
    let tail = pending
    pending = []
    for batch in tail {
      try place(batch)
      if shape.isCompressed { try write(batch) }
    }
  }

  /// One worker, from its first batch to the source's end.
  private func work() throws(ConversionError) {
    let verification = DuplicateComparison(
      output: output, written: written,
      stored: try StoredClusters(pool.geometry, shape, method: compression?.method))
    let packing = try makeCompressor()
    while true {
      if progress.isCancelled { throw .interrupted }
      let batch = try converting(ConversionError.io) { () throws(IOError) in try pool.take() }
      guard try source.fill(batch) else { return pool.give(batch) }
      batch.digestClusters(with: digest)
      let (end, hasData) = (batch.guestOffset(batch.clusterCount), batch.hasData)
      try waitForTurn(batch.ticket)
      let placed = try takeTurn(with: batch)
      turns.update { $0.next += 1 }
      if let placed { try write(placed) }
      if hasData {
        try verification.verify(batch)
        try pack(batch, with: packing)
        turns.update { _ in batch.isPrepared = true }
      }
      progress.reach(end.bytes)
    }
  }

  private func makeCompressor() throws(ConversionError) -> BatchCompressor? {
    guard let compression else { return nil }
    do { return try BatchCompressor(compression, pool.geometry) } catch {
      throw .compression(error)
    }
  }

  private func pack(_ batch: Batch, with packing: BatchCompressor?) throws(ConversionError) {
    do { try packing?.pack(batch) } catch { throw .compression(error) }
  }

  private func waitForTurn(_ ticket: UInt64) throws(ConversionError) {
    try turns.wait { turns throws(ConversionError) -> Void? in
      if let failure = turns.failure { throw failure }
      return turns.next == ticket ? () : nil
    }
  }

  /// The ordered part for one batch.
  ///
  /// - Returns: The batch whose unique clusters have got their places, if there is one, to be
  ///   written: in a plain image this one, in a compressed one the one that was due.
  private func takeTurn(with batch: Batch) throws(ConversionError) -> Batch? {
    try sequencer.check(batch)
    guard batch.hasData else {
      pool.give(batch)
      return nil
    }
    let due = try placeDue()
    batch.isPrepared = false
    try sequencer.resolve(batch)
    pending.append(batch)
    if shape.isCompressed { return due }
    batch.placedNumber = written.addPlaced(hostEnd: sequencer.dataEnd)
    return batch
  }

  /// Places the batch that was resolved `lag` batches ago, if there were so many.
  private func placeDue() throws(ConversionError) -> Batch? {
    guard pending.count == shape.lag else { return nil }
    let due = pending.removeFirst()
    try waitUntilPrepared(due)
    try place(due)
    return due
  }

  private func waitUntilPrepared(_ batch: Batch) throws(ConversionError) {
    try turns.wait { turns throws(ConversionError) -> Void? in
      if let failure = turns.failure { throw failure }
      return batch.isPrepared ? () : nil
    }
  }

  private func place(_ batch: Batch) throws(ConversionError) {
    try sequencer.place(batch)
    if shape.isCompressed {
      batch.placedNumber = written.addPlaced(hostEnd: sequencer.dataEnd)
      try retain(batch)
    } else {
      // Its unique clusters are in the output since it was prepared; left are collisions, if any.
      try writeClusters(of: batch)
      pool.give(batch)
    }
  }

  /// Keeps a batch that has been placed to compare with, instead of the one that was so longest.
  private func retain(_ batch: Batch) throws(ConversionError) {
    retained.append(batch)
    if retained.count > shape.lag {
      let oldest = retained.removeFirst()
      try written.wait(forBatch: oldest.placedNumber)
      pool.give(oldest)
    }
  }

  private func write(_ batch: Batch) throws(ConversionError) {
    try writeClusters(of: batch)
    written.markWritten(batch.placedNumber)
  }

  private func writeClusters(of batch: Batch) throws(ConversionError) {
    do { try batch.writes.write(to: output.file) } catch { throw .io(error) }
  }

  /// Stops all workers. The first error is the one that counts.
  private func fail(_ error: ConversionError) {
    turns.update { if $0.failure == nil { $0.failure = error } }
    written.fail()
    progress.fail()
  }
}
