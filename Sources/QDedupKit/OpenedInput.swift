internal import DiskIO
internal import DiskImage
internal import SystemPackage

/// The input of a conversion, opened and found to be something that can be read.
struct OpenedInput {
  /// How it can be read.
  enum Source {
    /// At any place, and more than once.
    case image(RawImage)
    /// Once, from front to back.
    case pipe(PipeImage)
  }

  let source: Source
  /// The name for the report.
  let name: String

  /// Opens the input that `options` name, respects QEMU's locks and refuses other formats.
  ///
  /// - Parameters:
  ///   - options: What to open and what to allow.
  ///   - progress: Asked whether to go on while a pipe is silent.
  /// - Throws: `ImageError`.
  init(_ options: ConvertOptions, progress: Progress) throws(ImageError) {
    let file: OwnedFile
    switch options.input {
    case .standardInput:
      name = "-"
      file = OwnedFile(owning: 0, path: "standard input")
    case .file(let path):
      name = path.string
      file = try Self.open(path)
    }
    let kind = try file.imageKind()
    switch (kind, options.input) {
    case (.regular, .file), (.blockDevice, .file):
      source = .image(try Self.image(file, options))
    case (.pipe, _), (_, .standardInput):
      let pipe = try PipeImage(file) { progress.isStopping }
      try Self.refuse(pipe.detectedFormat, pipe.path, unless: options.treatsInputAsRaw)
      source = .pipe(pipe)
    case (.directory, .file(let path)), (.other, .file(let path)):
      throw .notAnImage(path, kind)
    }
  }

  private static func open(_ path: FilePath) throws(ImageError) -> OwnedFile {
    do { return try OwnedFile(readingFrom: path) } catch { throw .io(error) }
  }

  private static func image(
    _ file: consuming OwnedFile, _ options: ConvertOptions
  ) throws(ImageError) -> RawImage {
    if !options.ignoresLocks { try ImageLock.acquireForReading(file) }
    let image = try RawImage(file)
    try refuse(try image.detectedFormat(), image.path, unless: options.treatsInputAsRaw)
    return image
  }

  private static func refuse(
    _ format: ImageFormat?, _ path: FilePath, unless isAllowed: Bool
  ) throws(ImageError) {
    if let format, !isAllowed { throw .foreignFormat(path, format) }
  }
}

extension OpenedInput {
  /// The size of the disk; nil while a pipe has not ended.
  var knownVirtualSize: UInt64? {
    if case .image(let image) = source { image.virtualSize } else { nil }
  }

  /// What tells the input from other files; nil for a pipe.
  func identity() throws(ConversionError) -> FileIdentity? {
    guard case .image(let image) = source else { return nil }
    do { return try image.identity() } catch { throw .image(error) }
  }

  /// How many clusters can hold data (S9); nil for a pipe.
  func dataClusterCount(_ geometry: ClusterGeometry) throws(ConversionError) -> UInt64? {
    guard case .image(let image) = source else { return nil }
    do { return try image.dataClusterCount(geometry) } catch { throw .image(error) }
  }

  /// The batches that the input consists of.
  func batches(
    _ geometry: ClusterGeometry, _ shape: BatchShape, _ progress: Progress
  ) -> any BatchSource {
    switch source {
    case .image(let image):
      ImageBatches(image, geometry: geometry, shape: shape)
    case .pipe(let pipe):
      PipeBatches(pipe, geometry: geometry) { progress.isStopping }
    }
  }
}

extension OwnedFile {
  fileprivate borrowing func imageKind() throws(ImageError) -> FileKind {
    do { return try kind() } catch { throw .io(error) }
  }
}
