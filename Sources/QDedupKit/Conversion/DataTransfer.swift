internal import DiskIO
internal import DiskImage
internal import DedupStore
internal import QCOW2

/// Moves the data of one disk through the pipeline into an image. An image with versions gets
/// several disks, one after another.
struct DataTransfer {
  /// Where the batches come from.
  let source: any BatchSource

  private let input: OpenedInput
  private let options: ConvertOptions
  private let tuning: ConversionTuning
  private let progress: Progress
  private let shape: BatchShape
  private let sequencer: any Sequencer

  /// A transfer that begins with `run`.
  ///
  /// - Parameters:
  ///   - input: The disk.
  ///   - writer: The image.
  ///   - store: Knows what the image has.
  ///   - options: Clusters, compression and threads.
  ///   - tuning: What tests turn.
  ///   - progress: Where to count.
  init(
    _ input: OpenedInput, to writer: ImageWriter, _ store: HashStore, _ options: ConvertOptions,
    _ tuning: ConversionTuning, _ progress: Progress
  ) {
    self.input = input
    self.options = options
    self.tuning = tuning
    self.progress = progress
    shape = BatchShape(
      options.output.geometry, isCompressed: options.output.compression != nil)
    source = input.batches(options.output.geometry, shape, progress)
    let ledger = OutputLedger(
      writer: writer, store: store, maxReferences: tuning.maxReferences)
    sequencer =
      shape.isCompressed ? CompressedSequencer(ledger, shape) : PlainSequencer(ledger)
  }

  /// What became of the clusters.
  var counts: ClusterCounts { sequencer.ledger.counts }

  /// How many threads work.
  var workers: Int {
    shape.workers(atMost: options.run.threads, bytesPerReader: input.bytesPerReader)
  }

  /// Moves all data. Its clusters are mapped in the image's disk that is being written.
  func run() throws(ConversionError) {
    progress.begin(.converting, totalBytes: input.knownVirtualSize)
    let threads = workers
    let pool = BatchPool(
      geometry: options.output.geometry, shape: shape, limit: shape.batchCount(threads: threads))
    let output = sequencer.ledger.writer.file
    // Advice only, so that without a thread for it nothing is lost but time at the end.
    let writeBack = options.output.syncs ? try? WriteBack { output.file.startWriteBack() } : nil
    defer { writeBack?.end() }
    let pipeline = Pipeline(
      source: source, sequencer: sequencer, output: output, pool: pool, shape: shape,
      compression: options.output.compression, writeBack: writeBack, progress: progress,
      digest: tuning.digest)
    try pipeline.run(threads: threads)
    progress.reach(source.virtualSize)
  }
}
