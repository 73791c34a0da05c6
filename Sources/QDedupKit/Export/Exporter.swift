internal import DiskIO
internal import DiskImage
internal import SystemPackage

/// Writes the disk of an image, or of one of its snapshots, as raw bytes: to a sparse file, a block
/// device or standard output.
///
/// The disk has its own size: a snapshot may be larger or smaller than the image is now. A file
/// appears under its name when it is complete, or not at all. A device or a pipe cannot take back
/// what it got, so that a failure leaves a part there, and says so.
public struct Exporter: Sendable {
  private let options: ExportOptions
  private let progress: Progress

  /// An export that begins with `run`.
  ///
  /// - Parameters:
  ///   - options: What to do.
  ///   - progress: Where to count, and to be told to stop.
  public init(_ options: ExportOptions, progress: Progress = Progress()) {
    self.options = options
    self.progress = progress
  }

  /// Exports.
  ///
  /// - Returns: What was done.
  /// - Throws: `ExportError`.
  public func run() throws(ExportError) -> ExportReport {
    let begin = ResourceUsage()
    var leftover = ExportError.Leftover.nothing
    do throws(ConversionError) {
      let image = try ExportedImage(options.input, progress: progress)
      let target = try ExportTarget(options, for: image, progress: progress)
      if progress.isCancelled { throw .interrupted }
      leftover = target.leftover
      let writeBack = options.syncs ? target.writeBack() : nil
      let transfer = DiskTransfer(
        image.disk, to: target.output, writeBack: writeBack, progress: progress)
      progress.begin(.exporting, totalBytes: image.disk.virtualSize)
      do {
        defer { writeBack?.end() }
        try transfer.run(threads: options.threads)
      }
      progress.reach(image.disk.virtualSize)
      let verification = Result { () throws(ConversionError) in
        if options.verifies { try verify(target, against: image.disk) }
      }
      // All has been read. That the image was changed explains a difference too, so it comes first.
      try image.requireUnchanged()
      try verification.get()
      let allocated = try complete(target)
      progress.finish(image.disk.virtualSize)
      return ExportReport(
        options, image, target, writtenBytes: transfer.writtenBytes, allocatedBytes: allocated,
        since: begin)
    } catch {
      throw ExportError(cause: error, leftover: leftover)
    }
  }

  /// Reads the output from where it is kept, not from memory, and compares.
  private func verify(
    _ target: ExportTarget, against disk: any ImageSource
  ) throws(ConversionError) {
    progress.begin(.syncing, totalBytes: nil)
    guard let written = try target.readBack(virtualSize: disk.virtualSize) else { return }
    progress.begin(.verifying, totalBytes: disk.virtualSize)
    try ImageComparison(disk, written, progress: progress).run(threads: options.threads)
  }

  /// Gives a file its name, and makes sure that everything has arrived.
  ///
  /// - Returns: What a file takes on the disk, in bytes.
  private func complete(_ target: ExportTarget) throws(ConversionError) -> UInt64? {
    progress.begin(.syncing, totalBytes: nil)
    switch target {
    case .file(let output, let name):
      return try output.file.publish(name, syncs: options.syncs, progress)
    case .device(let output, _):
      try converting(ConversionError.io) { () throws(IOError) in
        try options.syncs ? output.file.sync() : output.file.reportErrorsOfClosing()
      }
    case .stream(let stream, _):
      try converting(ConversionError.io) { () throws(IOError) in
        try stream.reportErrorsOfClosing()
      }
    }
    return nil
  }
}
