import CQDedupShims
import Glibc
internal import SystemPackage

/// What kind of file a descriptor refers to, as far as it matters for reading an image.
public enum FileKind: Sendable {
  case regular, blockDevice, pipe, directory, other
}

extension OwnedFile {
  /// What kind of file this is. The corresponding C function is `fstat`.
  public borrowing func kind() throws(IOError) -> FileKind {
    switch try status().st_mode & S_IFMT {
    case S_IFREG: .regular
    case S_IFBLK: .blockDevice
    case S_IFIFO, S_IFSOCK: .pipe
    case S_IFDIR: .directory
    default: .other
    }
  }

  /// The size in bytes of a regular file (`fstat`) or a block device (`BLKGETSIZE64`).
  public borrowing func size() throws(IOError) -> UInt64 {
    let status = try status()
    guard status.st_mode & S_IFMT == S_IFBLK else { return UInt64(max(0, status.st_size)) }
    var bytes: UInt64 = 0
    guard qdedup_block_device_size(descriptor, &bytes) == 0 else {
      throw IOError(.measure, path, reason: .current)
    }
    return bytes
  }

  /// The bytes that the file system has really allocated to the file.
  public borrowing func allocatedSize() throws(IOError) -> UInt64 {
    UInt64(max(0, try status().st_blocks)) * 512
  }

  /// Device and inode, which tell whether two names lead to one file.
  public borrowing func identity() throws(IOError) -> FileIdentity {
    FileIdentity(try status())
  }

  /// Sets the file's size. The corresponding C function is `ftruncate`.
  public borrowing func truncate(to size: UInt64) throws(IOError) {
    guard let length = off_t(exactly: size) else {
      throw IOError(.truncate, path, at: size, reason: .fileTooLarge)
    }
    guard retryingOnInterrupt({ ftruncate(descriptor, length) }) == 0 else {
      throw IOError(.truncate, path, at: size, reason: .current)
    }
  }

  /// Waits until the file's data is on the disk. The corresponding C function is `fsync`.
  public borrowing func sync() throws(IOError) {
    guard retryingOnInterrupt({ fsync(descriptor) }) == 0 else {
      throw IOError(.sync, path, reason: .current)
    }
  }

  private borrowing func status() throws(IOError) -> stat {
    var result = stat()
    guard fstat(descriptor, &result) == 0 else {
      throw IOError(.measure, path, reason: .current)
    }
    return result
  }
}
