internal import DiskIO
internal import DiskImage
internal import QCOW2

/// What `verifies` asks for: reads a complete output back before it gets its name.
///
/// 1. The file is synced, and what the system keeps of it in memory is dropped, so that the disk
///    answers and not the page cache (where the file system has a disk).
/// 2. Its metadata is checked as `Checker` does: refcounts against tables, COPIED, reserved bits,
///    the hash store with its marks, checksums, tags and slots. Anything found is an error, leaks
///    and a stale store too: a fresh output has none.
/// 3. It is compared with the input, byte by byte, with several threads.
///
/// It costs a read of the output and of the input.
struct Verification {
  private let output: AtomicFile
  private let options: ConvertOptions
  private let progress: Progress

  /// A verification of `output`, which those options asked for.
  init(_ output: AtomicFile, _ options: ConvertOptions, _ progress: Progress) {
    self.output = output
    self.options = options
    self.progress = progress
  }

  /// Verifies.
  ///
  /// - Throws: `ConversionError.outputDamaged` or `.verificationFailed`, `.interrupted`, or what
  ///   reading fails with.
  func run(against input: OpenedInput, threads: Int) throws(ConversionError) {
    guard case .image(let image) = input.source else { return }
    progress.begin(.verifying, totalBytes: image.virtualSize)
    try ConversionError.wrappingIO(try output.file.sync())
    output.file.dropCache()
    try checkMetadata()
    if progress.isCancelled { throw .interrupted }
    let written = try converting(ConversionError.image) { () throws(ImageError) in
      try QCOW2Image.open(try ImageError.wrappingIO(try output.reopenedForReading()))
    }
    try ImageComparison(image, written, progress: progress).run(threads: threads)
  }

  private func checkMetadata() throws(ConversionError) {
    let report: CheckReport
    do throws(ImageError) {
      let file = try ImageFile(try ImageError.wrappingIO(try output.reopenedForReading()))
      report = try Checker.check(file)
    } catch {
      if case .io(let error) = error { throw .io(error) }
      throw .outputDamaged(options.output.path, "\(error)")
    }
    if let problem = report.firstProblem(expectsStore: options.store.isKept) {
      throw .outputDamaged(options.output.path, problem)
    }
  }
}

extension CheckReport {
  /// What is wrong with an image that has just been written; nil if nothing is.
  fileprivate func firstProblem(expectsStore: Bool) -> String? {
    if let finding = findings.first {
      let place = finding.hostOffset.map { " at byte \($0)" } ?? ""
      return finding.message + place
    }
    if let note = notes.first { return note }
    if (hashStore != nil) != expectsStore {
      return expectsStore ? "it has no hash store" : "it has a hash store"
    }
    if let problem = hashStore?.problems.first ?? hashStore?.reason {
      return "hash store: \(problem)"
    }
    return result == .clean ? nil : "the check says \(result.rawValue)"
  }
}
