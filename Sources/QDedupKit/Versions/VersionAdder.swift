internal import DedupStore
internal import DiskIO
internal import DiskImage
internal import QCOW2
internal import SystemPackage

/// Adds a disk to a file as a version, in which everything is stored once that any version has.
///
/// 1. The input is opened; the file is locked and checked.
/// 2. Its hash store is opened, or, if it may not be used, made again from all versions.
/// 3. The disk goes through the same pipeline as in a conversion. What the store finds may be data of
///    any version: it is compared, as always. What is new goes into free clusters.
/// 4. The new version is read back, if that is wanted.
/// 5. One sector commits (`VersionChange`).
public struct VersionAdder: Sendable {
  private let options: AddOptions
  private let progress: Progress
  private let tuning: ConversionTuning

  /// An addition that begins with `run`.
  ///
  /// - Parameters:
  ///   - options: What to do.
  ///   - progress: Where to count, and to be told to stop.
  public init(_ options: AddOptions, progress: Progress = Progress()) {
    self.init(
      options, progress: progress, tuning: ConversionTuning(maxReferences: RefcountWidth.highest))
  }

  package init(_ options: AddOptions, progress: Progress, tuning: ConversionTuning) {
    self.options = options
    self.progress = progress
    self.tuning = tuning
  }

  /// Adds the version.
  ///
  /// - Returns: What was done.
  /// - Throws: `ConversionError`; the file is then as it was.
  public func run() throws(ConversionError) -> ConversionReport {
    let begin = ResourceUsage()
    let input = try converting(ConversionError.image) { () throws(ImageError) in
      try OpenedInput(options.input, progress: progress)
    }
    if case .pipe = input.source, options.verifies { throw .cannotVerifyPipe }
    if let part = input.part(options.file) { throw .outputIsInput(options.file, part.role) }
    if let file = options.run.reportFile, let part = input.part(file) {
      throw .reportIsInput(file, part.role)
    }
    let opened = try VersionsFile.open(options.file, changes: true)
    let kept = try converting(ConversionError.version) {
      () throws(VersionError) -> VersionName? in
      try opened.requireFree(options.name)
      return options.keepsActive ? nil : try opened.resolve(options.active)
    }
    if let kept, kept == options.name { throw .version(.nameTaken(options.file, kept.text)) }
    let addition = try Addition(options, tuning, progress, input, opened)
    if let kept { try addition.keepActive(as: kept) }
    try addition.openStore()
    let report = try addition.run(since: begin)
    progress.finish(report.output.virtualSize)
    return report
  }
}

/// One addition under way.
private final class Addition {
  private let options: AddOptions
  private let conversion: ConvertOptions
  private let tuning: ConversionTuning
  private let progress: Progress
  private let input: OpenedInput
  private let opened: VersionsFile
  private let store: ChangedStore
  private let change: VersionChange
  private var added: [String] = []
  private var rebuildSeconds: Double?
  private var wasRebuilt = false

  init(
    _ options: AddOptions, _ tuning: ConversionTuning, _ progress: Progress, _ input: OpenedInput,
    _ opened: VersionsFile
  ) throws(ConversionError) {
    self.options = options
    self.tuning = tuning
    self.progress = progress
    self.input = input
    self.opened = opened
    conversion = try Self.conversionOptions(options, opened)
    store = try ChangedStore(opened)
    change = try VersionChange(opened, replacesActive: !options.keepsActive, store: store)
  }

  /// The conversion that the file's clusters and compression ask for.
  private static func conversionOptions(
    _ options: AddOptions, _ opened: VersionsFile
  ) throws(ConversionError) -> ConvertOptions {
    var conversion = ConvertOptions(
      input: options.input.source, output: options.file, geometry: opened.inventory.geometry,
      threads: options.run.threads)
    conversion.input = options.input
    conversion.run = options.run
    conversion.output.verifies = options.verifies
    guard opened.inventory.isMostlyCompressed else { return conversion }
    let method = opened.inventory.metadata.compression
    conversion.output.compression = Compression(method, level: options.compressionLevel)
    if conversion.output.compression == nil {
      throw .version(
        .unsupported(
          options.file, reason: "\(method.rawValue) has no level \(options.compressionLevel ?? 0)"))
    }
    return conversion
  }

  /// Makes the active disk a version, before it is replaced.
  func keepActive(as name: VersionName) throws(ConversionError) {
    try change.appendCopy(of: opened.inventory.active, name, seconds: options.seconds)
    added.append(name.text)
  }

  /// Opens the saved store, or makes a new one from all versions if it may not be used.
  func openStore() throws(ConversionError) {
    let storage = ContinuedStoreStorage(change.writer)
    if let larger = try enlargeStore(storage) {
      store.store = larger
      return
    }
    if let opened = try store.open(storage) {
      store.store = opened
      return
    }
    let begin = ResourceUsage()
    let rebuild = StoreRebuild(opened, progress)
    let disks = opened.versions.map(\.disk) + (added.isEmpty ? [] : [opened.inventory.active])
    let new = try rebuild.makeStore(savedSizes: store.savedSizes, in: storage)
    try rebuild.fill(new, from: disks)
    store.store = new
    wasRebuilt = true
    if !disks.isEmpty { rebuildSeconds = ResourceUsage().wallSeconds - begin.wallSeconds }
  }

  /// Makes a larger store of the saved one, if that would forget entries of the disk, or of others
  /// while the disk is added. A pipe may have anything, and counts as much as the file has.
  private func enlargeStore(
    _ storage: ContinuedStoreStorage
  ) throws(ConversionError) -> HashStore? {
    guard let room = store.room else { return nil }
    let geometry = opened.inventory.geometry
    guard let size = input.knownVirtualSize else {
      let count = opened.inventory.dataClusterCount
      return count > room ? try store.enlarged(storage, for: count) : nil
    }
    // Counted only where that decides something, as it takes time.
    guard geometry.clusterCount(forBytes: size) > room else { return nil }
    let count = try converting(ConversionError.image) { () throws(ImageError) in
      try input.dataClusterCount(geometry, progress)
    }
    guard let count, count > room else { return nil }
    return try store.enlarged(storage, for: count)
  }

  /// Transfers the disk, and commits it.
  func run(since begin: ResourceUsage) throws(ConversionError) -> ConversionReport {
    guard var store = store.store else { preconditionFailure("no store was opened") }
    let transfer = DataTransfer(input, to: change.writer, store, conversion, tuning, progress)
    try transfer.run()
    progress.begin(.finishing, totalBytes: nil)
    let inUse = StoreInUse(store)
    if wasRebuilt, self.store.savedSizes == nil {
      // As after a conversion: a small file gets a small store.
      store = try converting(ConversionError.store) { [store] () throws(StoreError) in
        try store.compacted()
      }
      self.store.store = store
    }
    try converting(ConversionError.store) { [store] () throws(StoreError) in
      try store.finish(isLast: true)
    }
    let size = transfer.source.virtualSize
    let disk = try converting(ConversionError.writer) { [change] () throws(ImageWriterError) in
      try change.writer.endDisk(virtualSize: size, isActive: false)
    }
    try converting(ConversionError.image) { () throws(ImageError) in
      try input.requireUnchanged()
    }
    if options.verifies { try verify(disk, threads: transfer.workers) }
    change.append(options.name, seconds: options.seconds, disk)
    added.append(options.name.text)
    if !options.keepsActive { try change.setActive(copyOf: disk) }
    if progress.isCancelled { throw .interrupted }
    progress.begin(.syncing, totalBytes: nil)
    let outcome = try change.commit()
    return try report(transfer, store, inUse, outcome, since: begin)
  }

  /// Compares the new disk with the input, as the file has it now.
  private func verify(_ disk: DiskTables, threads: Int) throws(ConversionError) {
    guard case .image(let image) = input.source else { return }
    progress.begin(.verifying, totalBytes: image.virtualSize)
    try ConversionError.wrappingIO(try opened.file.file.sync())
    opened.file.file.dropCache()
    let written = try converting(ConversionError.image) { () throws(ImageError) in
      let file = try OwnedFile(readingImage: options.file)
      return try QCOW2Image.open(
        disk, of: try ImageFile(file), opened.inventory.metadata)
    }
    try ImageComparison(image, written, progress: progress).run(threads: threads)
  }

  private func report(
    _ transfer: DataTransfer, _ store: HashStore, _ inUse: StoreInUse,
    _ outcome: VersionChange.Outcome, since begin: ResourceUsage
  ) throws(ConversionError) -> ConversionReport {
    let allocated = try converting(ConversionError.io) { () throws(IOError) in
      try opened.file.file.allocatedSize()
    }
    let total = opened.inventory.geometry.clusterCount(forBytes: transfer.source.virtualSize)
    var report = ReportBuilder(
      options: conversion, input: input, source: transfer.source, image: outcome.image,
      allocatedBytes: allocated, counts: transfer.counts, clusterTotal: total, store: store,
      storeInUse: inUse, begin: begin
    ).report()
    report.command = "add"
    report.output.fileSize = outcome.fileSize
    report.warnings =
      input.leftBehind(besides: options.input.snapshot) + sizeWarnings(transfer) + outcome.warnings
    report.versions = .init(
      added: added,
      active: options.keepsActive
        ? opened.active.map { opened.versions[$0].name } : options.name.text,
      count: opened.versions.count + added.count,
      fileSizeBefore: opened.inventory.byteCount, staleEntries: transfer.counts.stale,
      storeRebuilt: rebuildSeconds == nil ? nil : self.store.reason,
      storeRebuildSeconds: rebuildSeconds)
    return report
  }

  /// QEMU's own programs cut versions to the size of the active disk.
  private func sizeWarnings(_ transfer: DataTransfer) -> [ReportWarning] {
    let size = transfer.source.virtualSize
    guard opened.versions.contains(where: { $0.virtualSize != size }) else { return [] }
    return [
      ReportWarning(
        """
        the versions differ in size: QEMU's own programs take the size of the active disk for all of \
        them, and cut larger ones; qdedup does not
        """)
    ]
  }
}
