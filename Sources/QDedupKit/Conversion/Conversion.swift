internal import DedupStore
internal import DiskIO
internal import DiskImage
internal import QCOW2

/// One conversion under way: the image writer, the store and the pipeline between them.
final class Conversion {
  private let options: ConvertOptions
  private let tuning: ConversionTuning
  private let progress: Progress
  private let input: OpenedInput
  private let source: any BatchSource
  private let shape: BatchShape
  private let writer: ImageWriter
  private var store: HashStore
  private let sequencer: Sequencer
  /// What the store was when all data had been looked up.
  private var storeInUse: StoreInUse

  /// Prepares everything; the output is still empty.
  init(
    _ converter: Converter, input: OpenedInput, output: AtomicFile
  ) throws(ConversionError) {
    options = converter.options
    tuning = converter.tuning
    progress = converter.progress
    self.input = input
    let geometry = options.output.geometry
    shape = BatchShape(geometry, isCompressed: options.output.compression != nil)
    source = input.batches(geometry, shape, progress)
    writer = try converting({ .inputTooLarge(input.name, $0) }) {
      [options] () throws(ImageWriterError) in
      try ImageWriter(
        file: output, geometry: options.output.geometry, virtualSize: input.knownVirtualSize)
    }
    let clusters = try Self.dataClusterCount(of: input, options, progress)
    store = try Self.makeStore(options, tuning, dataClusters: clusters, writer: writer)
    storeInUse = StoreInUse(store)
    sequencer = Sequencer(
      writer: writer, store: store, shape: shape, maxReferences: tuning.maxReferences)
  }

  /// How many clusters hold data, or at most do; nil if that is unknown, or not needed.
  ///
  /// They are counted only where that decides something: it takes time, and tables of hostile images
  /// may go on for hours. A bound for the memory is kept for a full disk too, so there the size of
  /// the disk decides, and what the file system says of holes does not.
  private static func dataClusterCount(
    of input: OpenedInput, _ options: ConvertOptions, _ progress: Progress
  ) throws(ConversionError) -> UInt64? {
    if options.store.order != nil { return nil }
    let most = input.knownVirtualSize.map { options.output.geometry.clusterCount(forBytes: $0) }
    guard options.store.memory == nil, let most,
      firstOrder(forDataClusters: most) > firstOrder(forDataClusters: 0)
    else { return most }
    return try converting(ConversionError.image) { () throws(ImageError) in
      try input.dataClusterCount(options.output.geometry, progress)
    }
  }

  /// The order to begin with (S9). A small one is left to the end, when the entries are counted:
  /// how much of a file counts as data is the file system's affair, and may change.
  private static func firstOrder(forDataClusters clusters: UInt64?) -> Int {
    max(14, StoreGeometry.order(forDataClusters: clusters))
  }

  private static func makeStore(
    _ options: ConvertOptions, _ tuning: ConversionTuning, dataClusters: UInt64?,
    writer: ImageWriter
  ) throws(ConversionError) -> HashStore {
    let plan = options.store.memory.map { memory in
      StorePlan(
        memory: memory, dataClusters: dataClusters, order: options.store.order,
        maxIncarnations: options.store.maxIncarnations)
    }
    let order =
      plan?.order ?? options.store.order ?? firstOrder(forDataClusters: dataClusters)
    let limit =
      plan?.maxIncarnations ?? options.store.maxIncarnations ?? HashStore.defaultMaxIncarnations
    let storage: any StoreStorage
    if options.store.isKept {
      storage = ImageStoreStorage(writer)
    } else {
      storage = try converting(ConversionError.io) { () throws(IOError) in
        try TemporaryStoreStorage(in: AtomicFile.directory(of: writer.file.path))
      }
    }
    return try converting(ConversionError.store) { () throws(StoreError) in
      try HashStore(
        order: order, maxIncarnations: limit, storage: storage,
        keptTableBytes: plan?.keptTableBytes ?? tuning.keptTableBytes)
    }
  }

  /// Moves all data through the pipeline.
  func transfer() throws(ConversionError) {
    progress.begin(.converting, totalBytes: input.knownVirtualSize)
    let threads = workers
    let pool = BatchPool(
      geometry: options.output.geometry, shape: shape, limit: shape.batchCount(threads: threads))
    let pipeline = Pipeline(
      source: source, sequencer: sequencer, output: writer.file, pool: pool, shape: shape,
      compression: options.output.compression, progress: progress, digest: tuning.digest)
    try pipeline.run(threads: threads)
    progress.reach(source.virtualSize)
  }

  /// How many threads work.
  var workers: Int {
    shape.workers(atMost: options.run.threads, bytesPerReader: input.bytesPerReader)
  }

  /// Freezes what the store still holds in RAM and completes the image.
  func finish() throws(ConversionError) -> FinishedImage {
    progress.begin(.finishing, totalBytes: nil)
    var extensions: [HeaderExtension] = []
    var features = options.output.compression?.method.features ?? []
    storeInUse = StoreInUse(store)
    if options.store.isKept {
      try converting(ConversionError.store) { () throws(StoreError) in
        if options.store.order == nil {
          store = try store.compacted(within: options.store.memory ?? .max)
        }
        try store.finish(isLast: true)
      }
      features.append(Self.hashStoreFeature)
      extensions.append(try storeExtension(besides: features))
    }
    let (virtualSize, writer, method) = (
      source.virtualSize, writer, options.output.compression?.method
    )
    return try converting(ConversionError.writer) { () throws(ImageWriterError) in
      try writer.finish(
        virtualSize: virtualSize, method: method, features: features, extensions: extensions)
    }
  }

  /// The autoclear feature whose bit says that the hash store is valid.
  static let hashStoreFeature = ImageFeature(
    .autoclear, bit: UInt8(StoreHeader.autoclearBit), name: StoreHeader.featureName)

  /// The header extension, with the dump inline where there is room, else in clusters of its own
  /// whose refcount stays 0.
  private func storeExtension(
    besides features: [ImageFeature]
  ) throws(ConversionError) -> HeaderExtension {
    let (dump, writer) = (store.dump, writer)
    var offset: UInt64 = 0
    let room = writer.roomForExtension(besides: features)
    if StoreHeader.fixedBytes + dump.byteCount > room {
      let clusters = options.output.geometry.clusterCount(forBytes: UInt64(dump.byteCount))
      offset = try converting(ConversionError.writer) { () throws(ImageWriterError) in
        try writer.allocate(clusters: clusters).bytes
      }
      let place = offset
      try converting(ConversionError.io) { () throws(IOError) in
        try writer.file.file.write(dump.serialized, at: place)
      }
    }
    let header = StoreHeader(
      dump: dump, dumpOffset: offset, maxIncarnations: store.maxIncarnations)
    return HeaderExtension(type: StoreHeader.extensionType, data: header.serialized)
  }

  /// What was done, once the output has its name.
  func report(
    _ image: FinishedImage, allocatedBytes: UInt64, since begin: ResourceUsage
  ) -> ConversionReport {
    ReportBuilder(
      options: options, input: input, source: source, image: image,
      allocatedBytes: allocatedBytes, counts: sequencer.counts, store: store,
      storeInUse: storeInUse, begin: begin
    ).report()
  }
}
