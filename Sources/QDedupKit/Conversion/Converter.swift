// QDedupKit: conversions as a library: what to do is decided by options that are checked first,
// how far it is can be asked at any time, and what was done is a report. Terminals, JSON text and
// exit codes are the program's business.

internal import DedupStore
internal import DiskIO
internal import DiskImage
internal import QCOW2
internal import SystemPackage

/// Converts one disk image to a qcow2 image in which equal clusters are stored once.
public struct Converter: Sendable {
  private(set) var options: ConvertOptions
  let tuning: ConversionTuning
  let progress: Progress

  /// A conversion that begins with `run`.
  ///
  /// - Parameters:
  ///   - options: What to do.
  ///   - progress: Where to count, and to be told to stop.
  public init(_ options: ConvertOptions, progress: Progress = Progress()) {
    self.init(
      options, progress: progress, tuning: ConversionTuning(maxReferences: RefcountWidth.highest))
  }

  package init(_ options: ConvertOptions, progress: Progress, tuning: ConversionTuning) {
    self.options = options
    self.progress = progress
    self.tuning = tuning
  }

  /// Converts. The output appears under its name at the very end, or not at all.
  ///
  /// - Returns: What was done.
  /// - Throws: `ConversionError`; the output's name is then as it was before.
  public func run() throws(ConversionError) -> ConversionReport {
    let begin = ResourceUsage()
    let input = try converting(ConversionError.image) { () throws(ImageError) in
      try OpenedInput(options.input, progress: progress)
    }
    if case .pipe = input.source, options.output.verifies { throw .cannotVerifyPipe }
    if let file = options.run.reportFile, let part = input.part(file) {
      throw .reportIsInput(file, part.role)
    }
    let name = try OutputName(
      options.output.path, replaces: options.output.replaces, inputs: input.parts)
    let output = try converting({ .cannotCreate(CreationFailure($0)) }) { () throws(IOError) in
      try AtomicFile(replacing: name.path)
    }
    let choice = try chooseClusterSize(for: input)
    var chosen = self
    if let choice { chosen.options.output.geometry = choice.geometry }
    let conversion = try Conversion(chosen, input: input, output: output)
    try conversion.transfer()
    let finished = try conversion.finish()
    if options.output.verifies { try verify(output, against: input, threads: conversion.workers) }
    let allocated = try output.publish(
      replacing: options.output.replaces, syncs: options.output.syncs, progress)
    var report = conversion.report(finished, allocatedBytes: allocated, since: begin)
    report.clusterSizeChoice = choice?.choice
    progress.finish(report.output.virtualSize)
    return report
  }

  /// Chooses the cluster size, if that is wanted and the input can be read twice.
  private func chooseClusterSize(
    for input: OpenedInput
  ) throws(ConversionError) -> ClusterSizeSearch? {
    guard options.output.choosesClusterSize, case .image(let image) = input.source else { return nil }
    return try ClusterSizeSearch(image, name: input.name, options, progress: progress)
  }

  private func verify(
    _ output: AtomicFile, against input: OpenedInput, threads: Int
  ) throws(ConversionError) {
    guard case .image(let image) = input.source else { return }
    progress.begin(.verifying, totalBytes: image.virtualSize)
    let written = try converting(ConversionError.image) { () throws(ImageError) in
      try QCOW2Image.open(try output.reopenedImage())
    }
    try ImageComparison(image, written, progress: progress).run(threads: threads)
  }
}

extension AtomicFile {
  /// Gives a complete output its name, unless the operation is to stop.
  ///
  /// - Returns: What the output takes on the disk, in bytes.
  func publish(
    replacing: Bool, syncs: Bool, _ progress: Progress
  ) throws(ConversionError) -> UInt64 {
    progress.begin(.syncing, totalBytes: nil)
    do {
      try syncs ? file.sync() : file.reportErrorsOfClosing()
      let allocated = try file.allocatedSize()
      if progress.isCancelled { throw ConversionError.interrupted }
      try publish(replacing: replacing, sync: syncs)
      return allocated
    } catch let error as IOError {
      let isTaken = error.operation == .publish && error.reason == .fileExists
      throw isTaken ? .outputExists(path) : .io(error)
    } catch {
      throw .interrupted
    }
  }

  /// The same file, opened once more for reading.
  fileprivate func reopenedImage() throws(ImageError) -> OwnedFile {
    do { return try reopenedForReading() } catch { throw .io(error) }
  }
}
