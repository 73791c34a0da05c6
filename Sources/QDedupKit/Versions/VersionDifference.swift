internal import DiskIO
internal import DiskImage
internal import QCOW2
public import SystemPackage

/// Where the disks of two versions differ, by their tables alone. Its JSON form is described by
/// Documentation/DiffSchema.json.
public struct VersionDifference: Codable, Equatable, Sendable {
  /// The version of this structure.
  public var reportVersion = 1
  /// The program that made it.
  public var tool: Tool
  /// The file.
  public var path: String
  /// The names of the two versions.
  public var versions: [String]
  /// The sizes of their disks.
  public var virtualSizes: [UInt64]
  /// The ranges that may differ, in the order of the disk. What is in none of them is equal.
  public var ranges: [Range]
  /// The sum of their lengths.
  public var differingBytes: UInt64

  /// A range of the disk.
  public struct Range: Codable, Equatable, Sendable {
    /// Where it begins, in bytes.
    public var offset: UInt64
    /// How long it is, in bytes.
    public var length: UInt64
  }
}

/// Compares two versions of a file.
public struct VersionDiffer: Sendable {
  private let path: FilePath
  private let names: (String, String)

  /// A comparison of two versions, by name or id.
  public init(_ path: FilePath, _ first: String, _ second: String) {
    self.path = path
    names = (first, second)
  }

  /// Compares the tables. Clusters that share a place are equal; others count as different, also if
  /// their content happens to be the same. O(tables).
  ///
  /// - Returns: Where the two may differ.
  /// - Throws: `ConversionError`.
  public func run() throws(ConversionError) -> VersionDifference {
    let opened = try VersionsFile.open(path, changes: false)
    let pair: (Version, Version)
    do throws(VersionError) {
      pair = (
        opened.versions[try opened.index(of: names.0)],
        opened.versions[try opened.index(of: names.1)]
      )
    } catch {
      throw .version(error)
    }
    do throws(IOError) {
      let ranges = try TableDifference(opened.file, opened.inventory.geometry)
        .ranges(pair.0.disk, pair.1.disk)
      return VersionDifference(
        tool: .current, path: path.string,
        versions: [pair.0.name, pair.1.name],
        virtualSizes: [pair.0.virtualSize, pair.1.virtualSize],
        ranges: ranges.map { .init(offset: $0.start.bytes, length: $0.end.bytes - $0.start.bytes) },
        differingBytes: ranges.reduce(0) { $0 + $1.end.bytes - $1.start.bytes })
    } catch {
      throw .io(error)
    }
  }
}
