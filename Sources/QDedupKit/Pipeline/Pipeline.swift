internal import DedupStore
internal import DiskIO
internal import DiskImage
internal import QCOW2

/// Moves all batches of a source through a conversion, with several threads and one order.
///
/// Each worker takes a batch through these steps, and then takes the next one:
///
///     1. fill      read it, tell zeros from data, take digests         any order
///     2. turn      place the batch that is due, resolve this one       in order, one at a time
///     3. write     what has got its room in this turn                  any order
///     4. prepare   compare duplicates, compress what is unique         any order
///
/// Turns come in the order of tickets, which is guest order. The batch that is *due* was resolved
/// `lag` batches with data ago. Because the lag is fixed, what a lookup sees is the same for any
/// number of threads.
///
/// **Why nothing waits for ever.** While it holds the turn a worker may wait for two things: that the
/// batch which is due is prepared (`waitUntilPrepared`), and in a compressed image that a retained
/// batch is written before it goes back to the pool (`retain`). Both concern batches that had their
/// turn before. A worker that is past its turn never waits for a turn: first it writes, and waits for
/// nothing; then it compares, and may wait until data is written that got its room in its own turn or
/// an earlier one. That data is written by a worker that is past its turn too, before that one
/// compares anything. So every wait is for a write, which waits for nothing, or for a preparation,
/// which waits for writes only. And every ticket gets its turn: it was given out together with its
/// batch, to a worker that goes on to wait for that turn or fails. A failure ends all waits.
///
/// Taking a batch from the pool never waits: there are enough of them for all workers, for those
/// between resolving and placing, and for the retained ones.
///
/// What a worker reads of another one's batch, to compare with it, is its guest bytes; they stay as
/// they are from its turn until it is idle. In a compressed image it is kept for `lag` batches after
/// it was placed: the last batch that may have found it in flight is placed by then.
final class Pipeline: @unchecked Sendable {
  // Unchecked: `sequencer`, `pending` and `retained` are touched only by the worker whose turn it
  // is, and turns change hands under the monitor's lock.

  private struct Turns {
    /// The ticket whose turn it is.
    var next: UInt64 = 0
    var failure: ConversionError?
  }

  private let source: any BatchSource
  private let output: OpenFile
  private let shape: BatchShape
  private let pool: BatchPool
  private let compression: Compression?
  private let progress: Progress
  private let digest: @Sendable (UnsafeRawBufferPointer) -> Digest
  private let turns = Monitor(Turns())
  private let written = WrittenPrefix()
  /// Gets the output to the disk early; nil if that is not wanted.
  private let writeBack: WriteBack?

  private let sequencer: any Sequencer
  /// Batches that are resolved and not placed, oldest first: at most `lag`.
  private var pending: [Batch] = []
  /// Batches of a compressed image that are placed and may still be compared with, oldest first: at
  /// most `lag`.
  private var retained: [Batch] = []

  init(
    source: any BatchSource, sequencer: any Sequencer, output: OpenFile, pool: BatchPool,
    shape: BatchShape, compression: Compression?, writeBack: WriteBack?,
    progress: Progress, digest: @escaping @Sendable (UnsafeRawBufferPointer) -> Digest
  ) {
    self.source = source
    self.sequencer = sequencer
    self.output = output
    self.pool = pool
    self.shape = shape
    self.compression = compression
    self.writeBack = writeBack
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
    let comparison = DuplicateComparison(
      source: source, output: output, written: written,
      goesForward: !sequencer.ledger.writer.continuesFile,
      stored: try StoredClusters(pool.geometry, shape, method: compression?.method))
    let compressor = try makeCompressor()
    while true {
      if progress.isCancelled { throw .interrupted }
      let batch = try converting(ConversionError.io) { () throws(IOError) in try pool.take() }
      guard try source.fill(batch) else { return pool.give(batch) }
      batch.digestClusters(with: digest)
      let (end, hasData) = (batch.end, batch.hasData)
      try waitForTurn(batch.ticket)
      let toWrite = try takeTurn(with: batch)
      turns.update { $0.next += 1 }
      if let toWrite { try write(toWrite) }
      if hasData { try prepare(batch, comparison, compressor) }
      progress.reach(end.bytes)
    }
  }

  private func makeCompressor() throws(ConversionError) -> BatchCompressor? {
    guard let compression else { return nil }
    do { return try BatchCompressor(compression, pool.geometry) } catch {
      throw .compression(error)
    }
  }

  /// Does what a batch needs between resolving and placing.
  private func prepare(
    _ batch: Batch, _ comparison: DuplicateComparison, _ compressor: BatchCompressor?
  ) throws(ConversionError) {
    try comparison.compare(batch)
    do { try compressor?.compress(batch) } catch { throw .compression(error) }
    turns.update { _ in batch.move(to: .prepared) }
  }

  private func waitForTurn(_ ticket: UInt64) throws(ConversionError) {
    try turns.wait { turns throws(ConversionError) -> Void? in
      if let failure = turns.failure { throw failure }
      return turns.next == ticket ? () : nil
    }
  }

  /// The ordered part for one batch.
  ///
  /// - Returns: The batch whose unique clusters have got their room, if there is one, to be written:
  ///   in a plain image this one, in a compressed one the one that was due.
  private func takeTurn(with batch: Batch) throws(ConversionError) -> Batch? {
    try sequencer.ledger.check(batch)
    guard batch.hasData else {
      pool.give(batch)
      return nil
    }
    let due = try placeDue()
    try sequencer.resolve(batch)
    pending.append(batch)
    if !shape.isCompressed {
      batch.writeNumber = written.addWrite(upTo: sequencer.ledger.dataEnd)
    }
    batch.lastWriteBefore = written.latest
    return shape.isCompressed ? due : batch
  }

  /// Places the batch that was resolved `lag` batches ago, if there were that many.
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
      return batch.stage == .prepared ? () : nil
    }
  }

  private func place(_ batch: Batch) throws(ConversionError) {
    try sequencer.place(batch)
    if shape.isCompressed {
      batch.writeNumber = written.addWrite(upTo: sequencer.ledger.dataEnd)
      try retain(batch)
    } else {
      // Its unique clusters were written before it was prepared; left are collisions, if any.
      try writeClusters(of: batch)
      pool.give(batch)
    }
  }

  /// Keeps a batch that has been placed to compare with, instead of the one that was so longest.
  private func retain(_ batch: Batch) throws(ConversionError) {
    retained.append(batch)
    if retained.count > shape.lag {
      let oldest = retained.removeFirst()
      try written.wait(forWrite: oldest.writeNumber)
      pool.give(oldest)
    }
  }

  private func write(_ batch: Batch) throws(ConversionError) {
    try writeClusters(of: batch)
    written.markWritten(batch.writeNumber)
  }

  private func writeClusters(of batch: Batch) throws(ConversionError) {
    do { try batch.writes.write(to: output.file) } catch { throw .io(error) }
    writeBack?.add(batch.writes.byteCount)
  }

  /// Stops all workers. The first error is the one that counts.
  private func fail(_ error: ConversionError) {
    turns.update { if $0.failure == nil { $0.failure = error } }
    written.fail()
    progress.fail()
  }
}
