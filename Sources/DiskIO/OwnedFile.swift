import CQDedupShims
import Glibc
public import SystemPackage

// DiskIO: files that have one owner, positioned reads and writes, output that appears whole or not
// at all, aligned buffers and big-endian bytes. Nothing here knows what a file contains.

/// An open file that closes when its owner lets go of it.
///
/// It is a descriptor and the name that messages show, no more: no buffer, no position, no size that
/// could be stale.
///
/// Owner: it cannot be copied (`~Copyable`), so exactly one value closes the descriptor. `deinit`
/// hides what closing reports; what has written and cares asks `reportErrorsOfClosing` before.
///
/// Threads: every read and write names its place (`pread`, `pwrite`), so any number of threads may
/// use one file at the same time without a lock. Only a pipe has an order; `PipeImage` keeps it.
///
/// Errors: each call that fails throws an `IOError` with the operation, the name, the place and the
/// reason. A call that a signal interrupts (EINTR) is repeated; a short read or write goes on where
/// it stopped.
///
/// Cost: one system call a method, but for transfers that the system splits.
public struct OwnedFile: ~Copyable, Sendable {
  /// The number of the descriptor, for system calls that this type does not offer.
  public let descriptor: CInt
  /// The name that the file was opened under; messages show it.
  public let path: FilePath

  /// Takes over an open descriptor.
  public init(owning descriptor: CInt, path: FilePath) {
    self.descriptor = descriptor
    self.path = path
  }

  /// Opens a file for reading. The corresponding C function is `open` with `O_RDONLY`.
  ///
  /// A named pipe opens at once, even while nobody writes to it: wait with `poll`.
  public init(readingFrom path: FilePath) throws(IOError) {
    let opened = path.withPlatformString { name in
      retryingOnInterrupt { open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
    }
    guard opened >= 0 else { throw IOError(.open, path, reason: .current) }
    _ = fcntl(opened, F_SETFL, fcntl(opened, F_GETFL) & ~O_NONBLOCK)
    self.init(owning: opened, path: path)
  }

  /// Opens a block device for reading and writing. The corresponding C function is `open` with
  /// `O_EXCL`.
  ///
  /// - Throws: `IOError` of reason `.resourceBusy` if the system uses the device: it is mounted, or a
  ///   part of another device.
  public init(writingDevice path: FilePath) throws(IOError) {
    let opened = path.withPlatformString { name in
      retryingOnInterrupt { open(name, O_RDWR | O_EXCL | O_CLOEXEC) }
    }
    guard opened >= 0 else { throw IOError(.open, path, reason: .current) }
    self.init(owning: opened, path: path)
  }

  /// Makes a readable and writable file without a name in `directory`; it is gone once closed.
  ///
  /// Uses `O_TMPFILE`; where there is none, a file with a hidden name that is removed at once.
  public init(unnamedIn directory: FilePath) throws(IOError) {
    let unnamed = directory.withPlatformString { name in
      retryingOnInterrupt { qdedup_open_unnamed(name, 0o600) }
    }
    let path = directory.appending("(temporary file)")
    if unnamed >= 0 {
      self.init(owning: unnamed, path: path)
      return
    }
    do throws(Errno) {
      let (descriptor, name) = try TemporaryName.create(beside: path, mode: 0o600)
      _ = name.withPlatformString { unlink($0) }
      self.init(owning: descriptor, path: path)
    } catch {
      throw IOError(.create, path, reason: error)
    }
  }

  deinit {
    _ = Glibc.close(descriptor)
  }

  /// Tells what closing the file would: a network file system may report only then that it could
  /// not take what was written. The file stays open. Nothing is waited for that closing does not
  /// wait for.
  public borrowing func reportErrorsOfClosing() throws(IOError) {
    let other = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
    guard other >= 0 else { throw IOError(.close, path, reason: .current) }
    // After EINTR the descriptor is closed all the same on Linux: no repetition.
    if Glibc.close(other) != 0, errno != EINTR {
      throw IOError(.close, path, reason: .current)
    }
  }
}

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

  /// Size and time of change of a regular file; nil for anything else, which does not tell them.
  public borrowing func state() throws(IOError) -> FileState? {
    let status = try status()
    return status.st_mode & S_IFMT == S_IFREG ? FileState(status) : nil
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

extension OwnedFile {
  /// Where the next data at or after `offset` begins; nil if only a hole follows.
  ///
  /// A file system that knows no holes reports all as data.
  /// The corresponding C function is `lseek` with `SEEK_DATA`.
  public borrowing func nextData(from offset: UInt64) throws(IOError) -> UInt64? {
    try seek(from: offset, qdedup_seek_data)
  }

  /// Where the next hole at or after `offset` begins: at the latest, the file's end.
  /// The corresponding C function is `lseek` with `SEEK_HOLE`.
  public borrowing func nextHole(from offset: UInt64) throws(IOError) -> UInt64? {
    try seek(from: offset, qdedup_seek_hole)
  }

  private borrowing func seek(
    from offset: UInt64, _ call: (CInt, Int64) -> Int64
  ) throws(IOError) -> UInt64? {
    guard let start = Int64(exactly: offset) else {
      throw IOError(.findData, path, at: offset, reason: .fileTooLarge)
    }
    let found = call(descriptor, start)
    if found >= 0 { return UInt64(found) }
    let reason = Errno.current
    if reason == .noSuchAddressOrDevice { return nil }
    throw IOError(.findData, path, at: offset, reason: reason)
  }
}

/// Standard input, which may be a file: `<disk.img` in a shell.
public enum StandardInput {
  /// The number of its descriptor.
  public static let descriptor = STDIN_FILENO

  /// Whether it is a file or block device at its beginning, and so can be read at any place, and
  /// again. What is read in part, or has no size (as files in /proc), is read in order, as a pipe.
  /// The corresponding C functions are `fstat` and `lseek`.
  public static var canBeReadAnywhere: Bool {
    var status = stat()
    guard fstat(descriptor, &status) == 0, lseek(descriptor, 0, SEEK_CUR) == 0 else {
      return false
    }
    let kind = status.st_mode & S_IFMT
    return kind == S_IFBLK || kind == S_IFREG && status.st_size > 0
  }
}

/// A file that several objects read from and write to, for as long as one of them needs it.
///
/// Reads and writes name their place, so any thread may use it at any time.
public final class OpenFile: Sendable {
  /// The file.
  public let file: OwnedFile

  /// Takes over an open file.
  public init(_ file: consuming OwnedFile) {
    self.file = file
  }

  /// The name of the file, for messages.
  public var path: FilePath { file.path }
}
