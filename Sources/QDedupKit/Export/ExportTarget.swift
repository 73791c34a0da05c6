internal import DiskIO
internal import DiskImage
internal import SystemPackage

/// Where an export goes, opened and found to be allowed.
enum ExportTarget {
  /// A file that gets its name when all is written.
  case file(FileOutput, OutputName)
  /// A block device, whose content is lost from the first write on.
  case device(DeviceOutput, byteCount: UInt64)
  /// Standard output.
  case stream(OutputStream, StreamOutput)

  /// Opens the output that `options` name. Nothing is written.
  ///
  /// - Parameters:
  ///   - options: The output, and what is allowed for it.
  ///   - image: The disk, and what is not to be overwritten.
  ///   - progress: Asked whether to go on while a pipe takes nothing.
  /// - Throws: `ConversionError` of the output's kind.
  init(
    _ options: ExportOptions, for image: ExportedImage, progress: Progress
  ) throws(ConversionError) {
    switch options.output {
    case .standardOutput:
      self = try converting(ConversionError.io) { () throws(IOError) in
        let stream = try OutputStream { progress.isStopping }
        return .stream(stream, try StreamOutput(stream))
      }
    case .path(let path):
      let existing = try converting(ConversionError.io) { () throws(IOError) in
        try FileIdentity(of: path)
      }
      self =
        existing?.isBlockDevice == true
        ? try Self.device(path, options, image) : try Self.file(path, options, image)
    }
  }

  private static func file(
    _ path: FilePath, _ options: ExportOptions, _ image: ExportedImage
  ) throws(ConversionError) -> ExportTarget {
    let name = try OutputName(path, replaces: options.overwrites, inputs: image.parts)
    let file = try converting({ .cannotCreate(CreationFailure($0)) }) { () throws(IOError) in
      try AtomicFile(replacing: name.path)
    }
    return try converting(ConversionError.io) { () throws(IOError) in
      .file(try FileOutput(file, virtualSize: image.disk.virtualSize), name)
    }
  }

  private static func device(
    _ path: FilePath, _ options: ExportOptions, _ image: ExportedImage
  ) throws(ConversionError) -> ExportTarget {
    if let part = image.part(path) { throw .outputIsInput(path, part.role) }
    guard options.overwrites else { throw .deviceNotAllowed(path) }
    if ImageLock.isWritten(path) { throw .outputInUse(path) }
    let device: DeviceOutput
    do throws(IOError) {
      device = try DeviceOutput(path)
    } catch {
      throw error.reason == .resourceBusy ? .deviceBusy(path) : .io(error)
    }
    let byteCount = try converting(ConversionError.io) { () throws(IOError) in
      try device.file.size()
    }
    guard byteCount >= image.disk.virtualSize else {
      throw .deviceTooSmall(path, byteCount: byteCount, needed: image.disk.virtualSize)
    }
    return .device(device, byteCount: byteCount)
  }

  /// What the disk is written to.
  var output: any DiskOutput {
    switch self {
    case .file(let output, _): output
    case .device(let output, _): output
    case .stream(_, let output): output
    }
  }

  /// Has the output written to its disk while more is added, so that the sync at the end is short;
  /// nil for standard output. Advice only: without a thread for it nothing is lost but time.
  func writeBack() -> WriteBack? {
    switch self {
    case .file(let output, _): try? WriteBack { output.file.file.startWriteBack() }
    case .device(let output, _): try? WriteBack { output.file.startWriteBack() }
    case .stream: nil
    }
  }

  /// What is left of a failed export.
  var leftover: ExportError.Leftover {
    switch self {
    case .file: .nothing
    case .device(let output, _): .partOfDevice(output.file.path)
    case .stream: .partOfStream
    }
  }

  /// The disk as the output keeps it, synced and no longer in memory; nil for standard output.
  func readBack(virtualSize: UInt64) throws(ConversionError) -> ReadBackDisk? {
    switch self {
    case .file(let output, _):
      return try ReadBackDisk(of: output.file.file, virtualSize) { () throws(IOError) in
        try output.file.reopenedForReading()
      }
    case .device(let output, _):
      return try ReadBackDisk(of: output.file, virtualSize) { () throws(IOError) in
        try OwnedFile(readingFrom: output.file.path)
      }
    case .stream:
      return nil
    }
  }
}
