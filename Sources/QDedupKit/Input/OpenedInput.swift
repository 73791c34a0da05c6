internal import DiskImage
internal import DiskIO
internal import QCOW2
internal import SystemPackage

/// The input of a conversion, opened and found to be something that can be read.
struct OpenedInput {
  /// How it can be read.
  enum Source {
    /// At any place, and more than once.
    case image(any ImageSource)
    /// Once, from front to back.
    case pipe(PipeImage)
  }

  let source: Source
  /// The name for the report.
  let name: String
  /// The format that it is read as.
  let format: InputOptions.Format
  /// What tells the files that are read from others; none for a pipe that reads no file.
  let parts: [ImagePart]
  /// Whether files of it may be changed while they are read.
  let allowsChanges: Bool

  /// Opens the input that `options` name, respects QEMU's locks and refuses other formats.
  ///
  /// - Parameters:
  ///   - options: What to open and what to allow.
  ///   - progress: Asked whether to go on while a pipe is silent.
  /// - Throws: `ImageError`.
  init(_ options: InputOptions, progress: Progress) throws(ImageError) {
    allowsChanges = options.allowsChanges
    let file: OwnedFile
    switch options.source {
    case .standardInput:
      name = "-"
      file = OwnedFile(owning: StandardInput.descriptor, path: "standard input")
    case .file(let path):
      name = path.string
      file = try OwnedFile(readingImage: path)
    }
    let kind = try file.imageKind()
    let isFile = kind == .regular || kind == .blockDevice
    let isPipe =
      kind == .pipe || options.source == .standardInput && !StandardInput.canBeReadAnywhere
    guard isFile || isPipe else { throw .notAnImage(file.path, kind) }
    if isFile && !options.ignoresLocks { try ImageLock.acquireForReading(file) }
    guard isPipe else {
      (source, format, parts) = try Self.image(file, options)
      return
    }
    parts = isFile ? [ImagePart(.image, try file.imageIdentity())] : []
    let pipe = try Self.pipe(file, options, progress)
    // A pipe that is given up seems to have ended too.
    if pipe.isEmpty, !progress.isStopping { throw .empty(pipe.path, isPipe: !isFile) }
    source = .pipe(pipe)
    format = .raw
  }

  private static func pipe(
    _ file: consuming OwnedFile, _ options: InputOptions, _ progress: Progress
  ) throws(ImageError) -> PipeImage {
    let pipe = try PipeImage(file) { progress.isStopping }
    if options.format == .qcow2 || options.format == nil && pipe.detectedFormat == .qcow2 {
      throw .unsupported(
        pipe.path,
        reason: """
          a qcow2 image is read at many places, which a pipe does not allow
          """, remedies: [.saveToFile, .readAsRaw])
    }
    if let format = pipe.detectedFormat, options.format == nil {
      throw .foreignFormat(pipe.path, format)
    }
    try refuseSnapshot(options, pipe.path)
    return pipe
  }

  private static func image(
    _ file: consuming OwnedFile, _ options: InputOptions
  ) throws(ImageError) -> (Source, InputOptions.Format, [ImagePart]) {
    switch try format(of: file, options) {
    case .raw:
      let raw = try RawImage(file)
      if raw.virtualSize == 0 { throw .empty(raw.path, isPipe: false) }
      try refuseSnapshot(options, raw.path)
      return (.image(raw), .raw, [ImagePart(.image, try raw.identity())])
    case .qcow2:
      var reading = QCOW2Image.Options()
      reading.snapshot = options.snapshot
      reading.followsExternalFiles = options.followsExternalFiles
      reading.ignoresLocks = options.ignoresLocks
      let image = try QCOW2Image.open(file, reading)
      return (.image(image), .qcow2, image.parts)
    }
  }

  /// The format to read a file as; one that is not read is an error.
  private static func format(
    of file: borrowing OwnedFile, _ options: InputOptions
  ) throws(ImageError) -> InputOptions.Format {
    if options.format == .raw { return .raw }
    let detected = try file.detectedFormat()
    if options.format == .qcow2, detected != .qcow2 {
      throw .unsupported(
        file.path,
        reason: "it is no qcow2 image, for it does not begin as one does",
        remedies: [.leaveOut(.format)])
    }
    switch detected {
    case nil: return .raw
    case .qcow2: return .qcow2
    case .some(let format): throw .foreignFormat(file.path, format)
    }
  }

  private static func refuseSnapshot(
    _ options: InputOptions, _ path: FilePath
  ) throws(ImageError) {
    guard options.snapshot != nil else { return }
    throw .unsupported(
      path, reason: "a raw image has no snapshots", remedies: [.leaveOut(.snapshot)])
  }
}

extension OpenedInput {
  /// The size of the disk; nil while a pipe has not ended.
  var knownVirtualSize: UInt64? {
    if case .image(let image) = source { image.virtualSize } else { nil }
  }

  /// How much memory a thread needs at the most while it reads.
  var bytesPerReader: Int {
    if case .image(let image) = source { image.bytesPerReader } else { 0 }
  }

  /// Makes sure, once all has been read, that no file was changed in the meantime: what was read
  /// would be a mixture of before and after. Pipes and devices tell nothing.
  ///
  /// - Throws: `ImageError.changed`, unless the options allow changes.
  func requireUnchanged() throws(ImageError) {
    if !allowsChanges, case .image(let image) = source { try image.requireUnchanged() }
  }

  /// The one of the files that are read to which a name leads.
  func part(_ path: FilePath) -> ImagePart? {
    guard let identity = try? FileIdentity(of: path) else { return nil }
    return parts.first { $0.identity == identity }
  }

  /// How many clusters can hold data (S9); nil for a pipe.
  func dataClusterCount(
    _ geometry: ClusterGeometry, _ progress: Progress
  ) throws(ImageError) -> UInt64? {
    guard case .image(let image) = source else { return nil }
    progress.begin(.counting, totalBytes: image.virtualSize)
    return try image.dataClusterCount(geometry) { offset in
      progress.reach(offset.bytes)
      return !progress.isStopping
    }
  }
}

extension OpenedInput {
  /// The internal snapshots of an input that is a qcow2 image; none for any other.
  ///
  /// - Throws: `ImageError` if it cannot be read, or its table of snapshots makes no sense.
  static func snapshots(_ options: InputOptions) throws(ImageError) -> [Snapshot] {
    guard case .file(let path) = options.source else { return [] }
    let file = try OwnedFile(readingImage: path)
    guard options.format != .raw, try file.detectedFormat() == .qcow2 else { return [] }
    let image = try ImageFile(file)
    return try SnapshotTable.read(try ImageMetadata(image), from: image)
  }

  /// What the input holds besides its disk, which does not come into the output.
  ///
  /// - Parameter snapshot: The snapshot that is converted; nil for the disk as it is now.
  /// - Returns: A warning each.
  func leftBehind(besides snapshot: String?) -> [ReportWarning] {
    guard case .image(let image as QCOW2Image) = source else { return [] }
    let metadata = image.metadata
    var warnings: [ReportWarning] = []
    let (snapshots, other) =
      snapshot == nil ? (metadata.snapshotCount, "") : (metadata.snapshotCount - 1, "other ")
    if snapshots > 0 {
      warnings.append(
        ReportWarning(Self.are(snapshots, other + "internal snapshot"), .nameSnapshot))
    }
    if metadata.bitmapCount > 0 {
      warnings.append(ReportWarning(Self.are(metadata.bitmapCount, "bitmap")))
    }
    let unknown = metadata.unknownExtensions.filter { $0 != StoreInImage.extensionType }
    if let first = unknown.first {
      let types = "\(unknown.count == 1 ? "" : "the first ")0x\(String(first, radix: 16))"
      warnings.append(
        ReportWarning("\(Self.are(unknown.count, "unknown header extension")) (\(types))"))
    }
    return warnings
  }

  private static func are(_ count: Int, _ thing: String) -> String {
    count == 1
      ? "1 \(thing) is not part of the output" : "\(count) \(thing)s are not part of the output"
  }
}
