// DiskImage: the vocabulary of disk images (offsets, clusters, extents), the protocol through which
// an image is read whatever its format, and the sources that need no format: raw files, block
// devices and pipes. Nothing here knows qcow2.

public import DiskIO
public import SystemPackage

/// A disk image that can be read at any place, from several threads at the same time.
public protocol ImageSource: Sendable {
  /// The file that the image is in; messages show it.
  var path: FilePath { get }

  /// The size of the disk that a guest sees, in bytes: a multiple of 512.
  var virtualSize: UInt64 { get }

  /// The size in bytes of the file (or device) that the image is in.
  var fileSize: UInt64 { get }

  /// How much memory, in bytes, a thread needs at the most while it reads.
  var bytesPerReader: Int { get }

  /// What reads should begin and end at multiples of, so that no compressed cluster is restored
  /// more than once: a power of two.
  var clusterBytes: Int { get }

  /// The first range at or after `offset` that may hold anything but zeros.
  ///
  /// - Parameter offset: Where to begin, at most `virtualSize`.
  /// - Returns: A range that begins at or after `offset`, or nil if only zeros follow.
  /// - Throws: `ImageError` if the file cannot say.
  func nextData(from offset: GuestOffset) throws(ImageError) -> GuestRange?

  /// Reads guest bytes. What is after the end of the image reads as zeros.
  ///
  /// - Parameters:
  ///   - buffer: Where the bytes go; filled whole.
  ///   - offset: The guest offset of the first byte.
  /// - Throws: `ImageError` with the place that could not be read.
  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: GuestOffset) throws(ImageError)

  /// Reads guest bytes once more, if that takes no more than a copy: they are in memory, need not be
  /// restored, and `requireUnchanged` would tell if they had become others since the first time.
  ///
  /// - Parameters:
  ///   - buffer: Where the bytes go.
  ///   - offset: The guest offset of the first byte.
  /// - Returns: Whether they were read; if not, what is in `buffer` has no meaning.
  func reread(into buffer: UnsafeMutableRawBufferPointer, at offset: GuestOffset) -> Bool

  /// Makes sure that no file of the image was changed since it was opened, as far as their sizes
  /// and times tell. Devices tell nothing.
  ///
  /// - Throws: `ImageError.changed`, or what asking fails with.
  func requireUnchanged() throws(ImageError)
}

extension ImageSource {
  /// None: bytes go straight to where they are wanted.
  public var bytesPerReader: Int { 0 }

  /// No byte is restored.
  public var clusterBytes: Int { 1 }

  /// Never.
  public func reread(into buffer: UnsafeMutableRawBufferPointer, at offset: GuestOffset) -> Bool {
    false
  }

  /// Nothing: what has no file does not change.
  public func requireUnchanged() throws(ImageError) {}

  /// How many clusters hold at least one byte that may be other than zero.
  ///
  /// Takes as long as asking for every data extent.
  ///
  /// - Parameters:
  ///   - geometry: The clusters to count in.
  ///   - goesOn: Told at every extent how far the counting has come; says whether to go on.
  /// - Returns: The number of clusters that data extents touch.
  /// - Throws: `ImageError` from `nextData`.
  public func dataClusterCount(
    _ geometry: ClusterGeometry, goesOn: (GuestOffset) -> Bool = { _ in true }
  ) throws(ImageError) -> UInt64 {
    var (count, next, offset) = (UInt64(0), UInt64(0), GuestOffset(0))
    while goesOn(offset), let range = try nextData(from: offset) {
      let first = max(next, geometry.clusterIndex(at: range.start))
      next = geometry.clusterCount(forBytes: range.end.bytes)
      count += next - min(first, next)
      offset = range.end
    }
    return count
  }
}

/// A file that an image consists of.
public struct ImagePart: Equatable, Sendable {
  /// What the file is to the image. The raw value names it in messages.
  public enum Role: String, Sendable {
    case image
    case backingFile = "backing file"
    case dataFile = "data file"
  }

  /// What the file is to the image.
  public let role: Role
  /// What tells the file from others.
  public let identity: FileIdentity

  /// The file with this identity.
  public init(_ role: Role, _ identity: FileIdentity) {
    self.role = role
    self.identity = identity
  }
}
