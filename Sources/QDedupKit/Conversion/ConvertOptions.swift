package import DedupStore
public import DiskImage
internal import DiskIO
public import QCOW2
public import SystemPackage

/// Everything that decides what a conversion does, checked before any I/O: one part for each owner.
public struct ConvertOptions: Sendable {
  /// What is read. `OpenedInput` takes these.
  public var input: InputOptions
  /// What the new image is like, and how it gets its name.
  public var output: Output
  /// How duplicates are found, and what of that stays in the new image.
  public var store = Store()
  /// How the conversion runs.
  public var run: Run

  /// The options that have no defaults; the others are set afterwards.
  ///
  /// - Parameters:
  ///   - input: Where the input comes from.
  ///   - output: The name of the new image.
  ///   - geometry: The clusters of the new image.
  ///   - threads: How many threads work, at least 1.
  public init(
    input: InputOptions.Source, output: FilePath, geometry: ClusterGeometry, threads: Int
  ) {
    self.input = InputOptions(input)
    self.output = Output(path: output, geometry: geometry)
    run = Run(threads: threads)
  }

  /// Makes sure that the report is to take the place of neither the input nor the output, by what
  /// their names lead to. Files that the input names are known only once it is open.
  ///
  /// - Throws: `ConversionError.reportIsInput` or `.reportIsOutput`.
  public func checkReportFile() throws(ConversionError) {
    guard let report = run.reportFile else { return }
    if case .file(let path) = input.source, report.leadsToSameFile(as: path) {
      throw .reportIsInput(report, .image)
    }
    if report.leadsToSameFile(as: output.path) { throw .reportIsOutput(report) }
  }

  /// What the new image is like, and how it gets its name.
  public struct Output: Sendable {
    /// The name of the new image.
    public var path: FilePath
    /// Its clusters, unless their size is chosen by content.
    public var geometry: ClusterGeometry
    /// Whether the cluster size is chosen by the content of the input, which is read once more for
    /// that. A pipe cannot be, and keeps `geometry`.
    public var choosesClusterSize = false
    /// How its clusters are compressed; nil for not at all.
    public var compression: Compression?
    /// Whether to check it, read it back and compare it with the input before it gets its name.
    public var verifies = false
    /// Whether a file that has its name may be replaced.
    public var replaces = false
    /// Whether to wait until it is on the disk.
    public var syncs = true
    /// The name under which the disk is a version of the new image too; nil for an image without
    /// versions.
    public var version: NewVersion?
    /// Whether the input's snapshots become versions before it.
    public var convertsSnapshots = false

    /// A new image, plain, that replaces nothing.
    public init(path: FilePath, geometry: ClusterGeometry) {
      self.path = path
      self.geometry = geometry
    }
  }

  /// The hash store during the conversion, and in the new image.
  public struct Store: Sendable {
    /// What it may take in memory, in bytes; nil for what follows from the input (S9). The order
    /// and the limit of incarnations are then chosen for it, unless they are given.
    public var memory: UInt64?
    /// How many incarnations it keeps, 0 for no limit (S17); nil for 128, or what fits `memory`.
    public var maxIncarnations: UInt32?
    /// The order of the log store, 1…31; nil to derive it from the input (S9) and `memory`.
    public var order: Int?
    /// Whether the new image carries it.
    public var isKept = true

    /// The bytes that `memory` may be.
    public static let memoryRange = StorePlan.memoryRange
    /// The orders that a log store may have.
    public static let orders = StoreGeometry.validOrders

    /// A store whose size follows from the input.
    public init() {}
  }

  /// How the conversion runs. Nothing here decides what the output's bytes are.
  public struct Run: Sendable {
    /// How many threads work, at least 1.
    public var threads: Int {
      didSet { threads = max(1, threads) }
    }
    /// The file that the caller writes the report to afterwards: refused if it is part of the input.
    public var reportFile: FilePath?

    /// A run with so many threads.
    public init(threads: Int) {
      self.threads = max(1, threads)
    }
  }
}

/// A version that is about to be made.
public struct NewVersion: Hashable, Sendable {
  /// Its name.
  public var name: VersionName
  /// Its date, in seconds since 1970.
  public var seconds: UInt32

  /// A version of this name and date.
  public init(_ name: VersionName, seconds: UInt32) {
    self.name = name
    self.seconds = seconds
  }
}

/// What tests turn to reach behaviour that real data reaches once in a lifetime.
package struct ConversionTuning: Sendable {
  /// The digest of a cluster. A poor one makes hash collisions (S34).
  package var digest: @Sendable (UnsafeRawBufferPointer) -> Digest = { Digest(of: $0) }
  /// How often a host cluster may be referenced (S33).
  package var maxReferences: UInt32
  /// How much memory may go to frozen tables, unless there is an `indexMemory`. Without any, hits
  /// in incarnations are read from the output.
  package var keptTableBytes = HashStore.defaultKeptTableBytes

  /// Called with the descriptor of the complete output before it is verified: damages it.
  package var damage: (@Sendable (CInt) -> Void)?

  /// The values of real conversions, except for what is given.
  package init(maxReferences: UInt32) {
    self.maxReferences = maxReferences
  }
}
