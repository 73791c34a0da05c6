internal import DiskImage
internal import SystemPackage

/// What an export did. Its JSON form is described by Documentation/ExportSchema.json, with the names
/// in snake case. Sizes are in bytes.
public struct ExportReport: Codable, Equatable, Sendable {
  /// The version of this structure; it rises when a field changes its meaning or goes away.
  public var reportVersion = 1
  /// The program that wrote the report.
  public var tool: Tool
  /// What the program was asked to do: `export`.
  public var command = "export"
  /// The image that was read.
  public var input: Input
  /// Where its disk went.
  public var output: Output
  /// What became of the bytes of the disk.
  public var bytes: Bytes
  /// Whether the output was read back and compared with the image.
  public var verified: Bool
  /// How long it took; the speed is that of the written bytes.
  public var timing: ConversionReport.Timing
  /// The most memory that the process ever had in RAM.
  public var peakRssBytes: UInt64
  /// What the user of the output should know.
  public var warnings: [ReportWarning]
}

extension ExportReport {
  /// The image that was read.
  public struct Input: Codable, Equatable, Sendable {
    /// Its name as given.
    public var path: String
    /// Its format: `raw` or `qcow2`.
    public var format: String
    /// The snapshot that was read, as it was asked for; nil for the disk as it is now.
    public var snapshot: String?
    /// The size of the disk.
    public var virtualSize: UInt64
    /// The size of the file.
    public var fileSize: UInt64
  }

  /// Where the disk went.
  public struct Output: Codable, Equatable, Sendable {
    /// The kinds of output.
    public enum Kind: String, Codable, Sendable {
      case file, device, pipe
    }

    /// Its name as given; `-` for standard output.
    public var path: String
    /// What it is.
    public var kind: Kind
    /// The size of the disk on it.
    public var virtualSize: UInt64
    /// What a file takes on the disk; nil for anything else.
    public var allocatedBytes: UInt64?
  }

  /// What became of the bytes of the disk: `total` = `written` + `zeros`.
  public struct Bytes: Codable, Equatable, Sendable {
    /// All bytes of the disk.
    public var total: UInt64
    /// What was written as it is.
    public var written: UInt64
    /// Zeros that were left out of a file, or that a device was told to hold.
    public var zeros: UInt64
  }
}

extension ExportReport {
  /// What was done, once the output is complete.
  init(
    _ options: ExportOptions, _ image: ExportedImage, _ target: ExportTarget,
    writtenBytes: UInt64, allocatedBytes: UInt64?, since begin: ResourceUsage
  ) {
    let size = image.disk.virtualSize
    tool = .current
    input = .init(
      path: image.name, format: image.format.rawValue, snapshot: options.input.snapshot,
      virtualSize: size, fileSize: image.disk.fileSize)
    output = Output(options.output, target, virtualSize: size, allocatedBytes: allocatedBytes)
    bytes = Bytes(total: size, written: writtenBytes, zeros: size - writtenBytes)
    verified = options.verifies
    timing = .init(since: begin, byteCount: writtenBytes)
    peakRssBytes = ResourceUsage().peakResidentBytes
    warnings = []
    if case .device(_, let byteCount) = target, byteCount > size {
      warnings.append(
        ReportWarning(
          """
          the device is larger than the disk: its last \((byteCount - size).inByteUnits), from byte \
          \(size) on, are as they were
          """))
    }
  }
}

extension ExportReport.Output {
  fileprivate init(
    _ output: ExportOptions.Output, _ target: ExportTarget, virtualSize: UInt64,
    allocatedBytes: UInt64?
  ) {
    path = if case .path(let path) = output { path.string } else { "-" }
    kind =
      switch target {
      case .file: .file
      case .device: .device
      case .stream: .pipe
      }
    self.virtualSize = virtualSize
    self.allocatedBytes = allocatedBytes
  }
}

extension ConversionReport.Timing {
  /// The time since `begin`, in which so many bytes of data were moved.
  init(since begin: ResourceUsage, byteCount: UInt64) {
    let end = ResourceUsage()
    let wall = end.wallSeconds - begin.wallSeconds
    self.init(
      wallSeconds: wall, userSeconds: end.userSeconds - begin.userSeconds,
      systemSeconds: end.systemSeconds - begin.systemSeconds,
      bytesPerSecond: wall > 0 ? UInt64(Double(byteCount) / wall) : 0)
  }
}
