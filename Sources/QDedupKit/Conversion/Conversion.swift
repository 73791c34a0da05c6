internal import DedupStore
internal import DiskIO
internal import DiskImage
internal import QCOW2

/// One conversion under way: the image writer, the store and the transfers between them: one for the
/// disk, and before it one for each snapshot that becomes a version too.
final class Conversion {
  private let options: ConvertOptions
  private let tuning: ConversionTuning
  private let progress: Progress
  private let input: OpenedInput
  private let writer: ImageWriter
  private var store: HashStore
  private let transfer: DataTransfer
  /// The snapshots that have been converted, as versions of the output.
  private var versions: [SnapshotEntry] = []
  /// What became of their clusters.
  private var counts = ClusterCounts()
  /// How many clusters their disks have.
  private var clusterTotal: UInt64 = 0
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
    writer = try converting({ .inputTooLarge(input.name, $0) }) {
      [options] () throws(ImageWriterError) in
      try ImageWriter(
        file: output.handle, geometry: options.output.geometry,
        virtualSize: input.knownVirtualSize, holdsVersions: options.output.version != nil)
    }
    let clusters = try Self.dataClusterCount(of: input, options, progress)
    store = try Self.makeStore(options, tuning, dataClusters: clusters, writer: writer)
    storeInUse = StoreInUse(store)
    transfer = DataTransfer(input, to: writer, store, options, tuning, progress)
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

  /// Moves all data through the pipeline: that of all snapshots that become versions, then that of
  /// the disk.
  func transferAll() throws(ConversionError) {
    if options.output.convertsSnapshots { try transferSnapshots() }
    try transfer.run()
    counts.add(transfer.counts)
    clusterTotal += options.output.geometry.clusterCount(forBytes: transfer.source.virtualSize)
  }

  private func transferSnapshots() throws(ConversionError) {
    let snapshots = try converting(ConversionError.image) { () throws(ImageError) in
      try OpenedInput.snapshots(options.input)
    }
    for snapshot in snapshots {
      var one = options.input
      one.snapshot = snapshot.id
      let opened = try converting(ConversionError.image) { () throws(ImageError) in
        try OpenedInput(one, progress: progress)
      }
      let transfer = DataTransfer(opened, to: writer, store, options, tuning, progress)
      try transfer.run()
      let (writer, size) = (writer, transfer.source.virtualSize)
      let disk = try converting(ConversionError.writer) { () throws(ImageWriterError) in
        try writer.endDisk(virtualSize: size, isActive: false)
      }
      versions.append(
        SnapshotEntry(
          id: snapshot.id, name: snapshot.name, seconds: snapshot.seconds, disk: disk))
      counts.add(transfer.counts)
      clusterTotal += options.output.geometry.clusterCount(forBytes: size)
    }
  }

  /// How many threads work.
  var workers: Int { transfer.workers }

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
      features.append(StoreInImage.feature)
      let (frozen, writer, all) = (store, writer, features)
      let isApart = options.output.version != nil
      extensions.append(
        try converting(ConversionError.writer) { () throws(ImageWriterError) in
          try StoreInImage.write(
            frozen, to: writer, besides: all, isApart: isApart)
        })
    }
    return try converting(ConversionError.writer) { () throws(ImageWriterError) in
      let disk = try writer.endDisk(
        virtualSize: transfer.source.virtualSize, isActive: options.output.version == nil)
      var contents = ImageContents(active: disk)
      contents.method = options.output.compression?.method
      (contents.features, contents.extensions) = (features, extensions)
      if let version = options.output.version {
        versions.append(
          SnapshotEntry(
            id: SnapshotEntry.nextID(after: versions), name: version.name.text,
            seconds: version.seconds, disk: disk))
        contents.snapshots = versions
        contents.active = try writer.copyDisk(disk, isActive: true)
      }
      return try writer.finish(contents)
    }
  }

  /// What was done, once the output has its name.
  func report(
    _ image: FinishedImage, allocatedBytes: UInt64, since begin: ResourceUsage
  ) -> ConversionReport {
    var report = ReportBuilder(
      options: options, input: input, source: transfer.source, image: image,
      allocatedBytes: allocatedBytes, counts: counts, clusterTotal: clusterTotal, store: store,
      storeInUse: storeInUse, begin: begin
    ).report()
    if !versions.isEmpty {
      report.versions = .init(
        added: versions.map { Snapshot($0).name }, active: options.output.version?.name.text,
        count: versions.count)
    }
    return report
  }
}
