// QDedupKit: conversions as a library: what to do is decided by options that are checked first,
// how far it is can be asked at any time, and what was done is a report. Terminals, JSON text and
// exit codes are the program's business.

internal import DedupStore
internal import DiskIO
internal import DiskImage
internal import QCOW2
internal import SystemPackage

/// Converts one disk image to a qcow2 image in which equal clusters are stored once.
///
/// The steps of `run`, each of which ends everything if it fails:
/// 1. open the input (`OpenedInput`): format, locks, files that it names;
/// 2. find out whether the output may have its name (`OutputName`), and make a file without a name
///    in its folder, so that nothing is left of it however the process ends;
/// 3. move all data through the pipeline (`Conversion.transferAll`);
/// 4. freeze what the store holds in RAM, write tables, refcounts and the header
///    (`Conversion.finish`);
/// 5. if asked for, check and read back what is on the disk (`Verification`);
/// 6. make sure that the input is what it was in step 1;
/// 7. sync the file, give it its name, sync the folder (`publish`).
///
/// It is a value; one conversion is one call of `run`, which blocks its thread and starts
/// `options.run.threads` others. `progress` is what other threads may look at, and where they ask
/// for an end.
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
    try conversion.transferAll()
    let finished = try conversion.finish()
    tuning.damage?(output.file.descriptor)
    let verification = Result { () throws(ConversionError) in
      guard options.output.verifies else { return }
      try Verification(output, options, progress).run(against: input, threads: conversion.workers)
    }
    // All has been read. That the input was changed explains a difference too, so it comes first.
    try converting(ConversionError.image) { () throws(ImageError) in
      try input.requireUnchanged()
    }
    try verification.get()
    let allocated = try output.publish(name, syncs: options.output.syncs, progress)
    var report = conversion.report(finished, allocatedBytes: allocated, since: begin)
    report.clusterSizeChoice = choice?.choice
    progress.finish(report.output.virtualSize)
    return report
  }

  /// Chooses the cluster size, if that is wanted and the input can be read twice.
  private func chooseClusterSize(
    for input: OpenedInput
  ) throws(ConversionError) -> ClusterSizeSearch? {
    guard options.output.choosesClusterSize, case .image(let image) = input.source else {
      return nil
    }
    return try ClusterSizeSearch(image, name: input.name, options, progress: progress)
  }
}

extension AtomicFile {
  /// Gives a complete output its name, unless the operation is to stop.
  ///
  /// - Returns: What the output takes on the disk, in bytes.
  func publish(
    _ name: OutputName, syncs: Bool, _ progress: Progress
  ) throws(ConversionError) -> UInt64 {
    progress.begin(.syncing, totalBytes: nil)
    do {
      try syncs ? file.sync() : file.reportErrorsOfClosing()
      let allocated = try file.allocatedSize()
      if progress.isCancelled { throw ConversionError.interrupted }
      let held = try name.hold()
      try withExtendedLifetime(held) {
        try publish(replacing: name.isReplaceable, sync: syncs)
      }
      return allocated
    } catch let error as IOError {
      let isTaken = error.operation == .publish && error.reason == .fileExists
      throw isTaken ? .outputExists(path) : .io(error)
    } catch let error as ConversionError {
      throw error
    } catch {
      throw .interrupted
    }
  }
}
