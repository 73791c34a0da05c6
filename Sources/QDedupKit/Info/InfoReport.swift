/// What an image is. Its JSON form has the names in snake case; sizes are in bytes.
public struct InfoReport: Codable, Equatable, Sendable {
  /// The version of this structure; it rises when a field changes its meaning or goes away.
  public var reportVersion = 1
  /// The program that wrote the description.
  public var tool: Tool
  /// What the program was asked to do: `info`.
  public var command = "info"
  /// The name of the image as given.
  public var path: String
  /// The format: `raw`, `qcow2`, or another one that is recognised but not read.
  public var format: String
  /// The size of the disk; nil for formats that are not read.
  public var virtualSize: UInt64?
  /// The length of the file.
  public var fileSize: UInt64
  /// What the file takes on the disk; nil for a device.
  public var allocatedBytes: UInt64?
  /// What only qcow2 images have.
  public var qcow2: QCOW2?
  /// The hash store, if the image carries one.
  public var hashStore: HashStore?
}

extension InfoReport {
  /// The most elements of a list whose length an image determines.
  static let longestList = 1000

  /// What only qcow2 images have.
  public struct QCOW2: Codable, Equatable, Sendable {
    /// The version of the format: 2 or 3.
    public var version: Int
    /// The size of a cluster.
    public var clusterSize: Int
    /// The width of refcounts in bits.
    public var refcountBits: Int
    /// How compressed clusters, if there are any, are compressed: `zlib` or `zstd`.
    public var compressionType: String
    /// How clusters are encrypted; nil if they are not.
    public var encryption: String?
    /// The features that are switched on.
    public var features: [Feature]
    /// The file that holds what is unallocated here. It has not been opened.
    public var backingFile: ExternalFile?
    /// The file that holds the guest's data, if that is not the image. It has not been opened.
    public var dataFile: ExternalFile?
    /// How many internal snapshots there are.
    public var snapshotCount: Int
    /// The internal snapshots, in the order of their table: the first 1,000 at most.
    public var snapshots: [Snapshot]
    /// The `l2-cache-size` with which QEMU reads no L2 table twice: the bytes of all L2 tables of the
    /// largest disk, that of the image or of a snapshot.
    public var l2CacheBytes: UInt64
    /// The header extensions.
    public var headerExtensions: [HeaderExtension]
  }

  /// A feature that is switched on.
  public struct Feature: Codable, Equatable, Sendable {
    /// What a program does that does not know it: `incompatible` (refuse), `compatible` (ignore) or
    /// `autoclear` (switch it off when writing).
    public var kind: String
    /// The number of its bit.
    public var bit: Int
    /// Its name, by the specification or by the image itself.
    public var name: String
  }

  /// A file that the image names.
  public struct ExternalFile: Codable, Equatable, Sendable {
    /// The name as the image has it.
    public var name: String
    /// The format that the image gives, if it does.
    public var format: String?
  }

  /// An internal snapshot.
  public struct Snapshot: Codable, Equatable, Sendable {
    /// Its id, unique within the image.
    public var id: String
    /// Its name.
    public var name: String
    /// The size of its disk; nil if it does not tell: then it is that of the image.
    public var virtualSize: UInt64?
    /// When it was taken, in seconds since 1970.
    public var takenAt: UInt64
    /// The size of the machine's state that was saved with it; 0 for a disk alone.
    public var machineStateSize: UInt64
  }

  /// A header extension.
  public struct HeaderExtension: Codable, Equatable, Sendable {
    /// Its type, in hexadecimal with `0x`.
    public var type: String
    /// How many bytes its data has.
    public var bytes: Int
  }
}

extension InfoReport {
  /// The hash store that an image carries.
  public struct HashStore: Codable, Equatable, Sendable {
    /// Whether all that was looked at is right: the feature bit, and version, marks and checksums of
    /// header extension, lists and trailers. What the incarnations hold is for a check.
    public var isValid: Bool
    /// The same in the words of a check, as far as can be said without one.
    public var state: StoreState
    /// Why it is stale or damaged; nil if it is valid.
    public var problem: String?
    /// The order of its tables; nil if its lists cannot be read, like what follows.
    public var order: Int?
    /// How many entries an incarnation has room for.
    public var entriesPerIncarnation: UInt64?
    /// The most incarnations that it keeps; 0 for no limit.
    public var maxIncarnations: UInt32?
    /// How many incarnations it has.
    public var incarnationCount: Int
    /// How many areas of forgotten incarnations wait to be used again.
    public var limboCount: Int
    /// Its incarnations, youngest first: the first 1,000 at most.
    public var incarnations: [Incarnation]
    /// Where the areas of forgotten incarnations begin, newest first: the first 1,000 at most.
    public var limbo: [UInt64]
    /// How many entries its incarnations have in all.
    public var usedEntries: UInt64
    /// What the incarnations and limbo areas take, in whole clusters of the image.
    public var bytesOnDisk: UInt64
  }

  /// An incarnation of a hash store.
  public struct Incarnation: Codable, Equatable, Sendable {
    /// Where it begins in the file.
    public var offset: UInt64
    /// The number of the freeze that wrote it; nil if its trailer is damaged, like what follows.
    public var sequence: UInt64?
    /// How many entries it has.
    public var usedEntries: UInt64?
  }
}
