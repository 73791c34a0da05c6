internal import Glibc
public import SystemPackage

/// What a file is beyond its name (device and inode): two names with equal identities lead to the
/// same file. A block device is the same whichever of its nodes is named.
public struct FileIdentity: Equatable, Sendable {
  private let device: UInt64
  private let inode: UInt64
  /// Whether it is a regular file.
  public let isRegular: Bool
  /// Whether it is a block device.
  public let isBlockDevice: Bool

  init(_ status: stat) {
    isRegular = status.st_mode & S_IFMT == S_IFREG
    isBlockDevice = status.st_mode & S_IFMT == S_IFBLK
    device = UInt64(isBlockDevice ? status.st_rdev : status.st_dev)
    inode = isBlockDevice ? 0 : UInt64(status.st_ino)
  }

  /// The identity of what a descriptor of this process is open on; nil if it is not open.
  /// The corresponding C function is `fstat`.
  public init?(ofDescriptor number: CInt) {
    var status = stat()
    guard fstat(number, &status) == 0 else { return nil }
    self.init(status)
  }

  /// The identity of what has the name `path`, links followed; nil if nothing has.
  /// The corresponding C function is `stat`.
  public init?(of path: FilePath) throws(IOError) {
    var status = stat()
    let failed = path.withPlatformString { stat($0, &status) } != 0
    if failed {
      if errno == ENOENT { return nil }
      throw IOError(.open, path, reason: Errno(rawValue: errno))
    }
    self.init(status)
  }
}

/// The size and the time of the last change of a regular file: two that differ mean that somebody
/// has written to it in between.
///
/// Linux takes times from a clock that ticks every few milliseconds, and changes made through
/// `mmap` may show only when they are written back: equal states are no proof.
public struct FileState: Equatable, Sendable {
  /// The size in bytes.
  public let size: UInt64
  /// When it was last written to: seconds since 1970, and nanoseconds.
  public let modified: (seconds: Int, nanoseconds: Int)

  init(_ status: stat) {
    size = UInt64(max(0, status.st_size))
    modified = (status.st_mtim.tv_sec, status.st_mtim.tv_nsec)
  }

  /// Whether size and time are equal.
  public static func == (left: FileState, right: FileState) -> Bool {
    left.size == right.size && left.modified == right.modified
  }
}

extension FilePath {
  /// The file that a name leads to, so that a link stays and its target is replaced; the name itself
  /// if it leads nowhere. The corresponding C function is `realpath`.
  public var followingLinks: FilePath {
    guard let name = withPlatformString({ realpath($0, nil) }) else { return self }
    defer { free(name) }
    return FilePath(platformString: name)
  }

  /// Whether the name is that of a symbolic link. The corresponding C function is `lstat`.
  public var isSymbolicLink: Bool {
    var status = Glibc.stat()
    return withPlatformString { lstat($0, &status) } == 0 && status.st_mode & S_IFMT == S_IFLNK
  }

  /// What a symbolic link holds; nil if the name is not that of one. The corresponding C function is
  /// `readlink`.
  public var linkTarget: FilePath? {
    var target = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
    let count = withPlatformString { readlink($0, &target, Int(PATH_MAX)) }
    return count > 0 ? FilePath(platformString: target) : nil
  }

  /// Whether two names lead to one file, or would once there is one: links are followed.
  public func leadsToSameFile(as other: FilePath) -> Bool {
    if let left = try? FileIdentity(of: self), let right = try? FileIdentity(of: other) {
      return left == right
    }
    let folders = [self, other].map { try? FileIdentity(of: AtomicFile.directory(of: $0)) }
    return lastComponent == other.lastComponent && folders[0] != nil && folders[0] == folders[1]
  }
}
