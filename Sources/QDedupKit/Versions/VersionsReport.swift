internal import DiskImage
internal import QCOW2
internal import SystemPackage

/// What a removal or an activation did. Its JSON form is described by
/// Documentation/VersionsReportSchema.json, with the names in snake case. Sizes are in bytes.
public struct VersionsReport: Codable, Equatable, Sendable {
  /// The version of this structure.
  public var reportVersion = 1
  /// The program that did it.
  public var tool = Tool.current
  /// What the program was asked to do: `remove` or `activate`.
  public var command: String
  /// The file.
  public var path: String
  /// The names of the versions that are gone.
  public var removed: [String]
  /// The version that the active disk has become a copy of; nil if it stays what it was.
  public var activated: String?
  /// The length of the file before.
  public var fileSizeBefore: UInt64
  /// The length of the file now.
  public var fileSize: UInt64
  /// How many entries the hash store has lost, because what they named is gone; nil if it was left
  /// as it is.
  public var droppedEntries: UInt64?
  /// What the user of the file should know.
  public var warnings: [ReportWarning] = []

  /// Nothing was to be done.
  init(_ command: String, _ opened: VersionsFile) {
    self.command = command
    path = opened.path.string
    removed = []
    fileSizeBefore = opened.inventory.byteCount
    fileSize = fileSizeBefore
  }

  /// A change was committed.
  init(
    _ command: String, _ opened: VersionsFile, removed: [String] = [], activated: String? = nil,
    _ outcome: VersionChange.Outcome
  ) {
    self.init(command, opened)
    self.removed = removed
    self.activated = activated
    fileSize = outcome.fileSize
    warnings = outcome.warnings
  }
}
