/// The versions of a file. Its JSON form is described by Documentation/VersionsSchema.json, with the
/// names in snake case. Sizes are in bytes.
public struct VersionList: Codable, Equatable, Sendable {
  /// The version of this structure.
  public var reportVersion = 1
  /// The program that made the list.
  public var tool: Tool
  /// The file.
  public var path: String
  /// The length of the file.
  public var fileSize: UInt64
  /// What it takes on the disk.
  public var allocatedBytes: UInt64
  /// The size of its clusters.
  public var clusterSize: Int
  /// The active disk.
  public var active: Active
  /// The versions, oldest first.
  public var versions: [Item]

  /// The active disk: what QEMU boots.
  public struct Active: Codable, Equatable, Sendable {
    /// The name of the version that it is a copy of; nil if it is none.
    public var version: String?
    /// Whether it is no copy of a version: a guest has written to it, or nothing has named it yet.
    public var isChanged: Bool
    /// The size of the disk.
    public var virtualSize: UInt64
  }

  /// A version.
  public struct Item: Codable, Equatable, Sendable {
    /// Its name.
    public var name: String
    /// Its id, by which it is found too.
    public var id: String
    /// Its date, in seconds since 1970.
    public var date: UInt64
    /// The size of its disk.
    public var virtualSize: UInt64
    /// What of it holds data, before deduplication.
    public var dataBytes: UInt64
    /// What only this version has: what its removal would give back, tables included.
    public var ownBytes: UInt64
    /// Whether the active disk is a copy of it.
    public var isActive: Bool
  }
}
