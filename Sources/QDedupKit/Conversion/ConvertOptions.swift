internal import DedupStore
public import DiskImage
public import QCOW2
public import SystemPackage

/// Everything that decides what a conversion does, checked before any I/O.
public struct ConvertOptions: Sendable {
  /// Where the input comes from.
  public enum Input: Equatable, Sendable {
    /// A file, a block device or a named pipe.
    case file(FilePath)
    /// A raw image from standard input.
    case standardInput
  }

  /// The formats that are read.
  public enum InputFormat: String, CaseIterable, Sendable {
    case raw, qcow2
  }

  /// Where the input comes from.
  public var input: Input
  /// The name of the new image.
  public var output: FilePath
  /// The format to read the input as; nil to tell it by the content.
  public var inputFormat: InputFormat?
  /// The internal snapshot of the input to read, by id or name; nil for the image as it is now.
  public var snapshot: String?
  /// Whether files that the input names, its backing file and its data file, are opened.
  public var followsExternalFiles = false
  /// Whether to read the input although a running QEMU may write to it.
  public var ignoresLocks = false
  /// The clusters of the new image.
  public var geometry: ClusterGeometry
  /// How the clusters of the new image are compressed; nil for not at all.
  public var compression: Compression?
  /// What the store may take in memory, in bytes; nil for what follows from the input (S9). The
  /// order and the limit of incarnations are then chosen for it, unless they are given.
  public var indexMemory: UInt64?
  /// The bytes that `indexMemory` may be.
  public static let indexMemoryRange = StorePlan.memoryRange
  /// How many incarnations the store keeps, 0 for no limit (S17); nil for 128, or what fits
  /// `indexMemory`.
  public var maxIncarnations: UInt32?
  /// The order of the log store, 1…31; nil to derive it from the input (S9) and `indexMemory`.
  public var logStoreOrder: Int?
  /// The orders that a log store may have.
  public static let logStoreOrders = StoreGeometry.validOrders
  /// Whether the new image carries the hash store.
  public var keepsHashStore = true
  /// Whether to read the new image back and compare it with the input before it gets its name.
  public var verifies = false
  /// How many threads work, at least 1.
  public var threads: Int {
    didSet { threads = max(1, threads) }
  }
  /// The file that the caller writes the report to afterwards: refused if it is part of the input.
  public var reportFile: FilePath?
  /// Whether a file that has the output's name may be replaced.
  public var replacesOutput = false
  /// Whether to wait until the new image is on the disk.
  public var syncs = true

  /// The options that have no defaults; the others are set afterwards.
  ///
  /// - Parameters:
  ///   - input: Where the input comes from.
  ///   - output: The name of the new image.
  ///   - geometry: The clusters of the new image.
  ///   - threads: How many threads work, at least 1.
  public init(input: Input, output: FilePath, geometry: ClusterGeometry, threads: Int) {
    self.input = input
    self.output = output
    self.geometry = geometry
    self.threads = max(1, threads)
  }
}
