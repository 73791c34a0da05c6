// DiskIO: files that have one owner, positioned reads and writes, output that appears whole or not
// at all, aligned buffers and big-endian bytes. Nothing here knows what a file contains.

import CQDedupShims
import Glibc
public import SystemPackage

/// An open file that closes when its owner lets go of it.
///
/// Reads and writes name their place, so threads may use one file at the same time.
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

  /// Makes a readable and writable file without a name in `directory`; it is gone once closed.
  ///
  /// Uses `O_TMPFILE`; where the file system has none, a file made by `mkstemp` and unlinked.
  public init(unnamedIn directory: FilePath) throws(IOError) {
    let unnamed = directory.withPlatformString { name in
      retryingOnInterrupt { qdedup_open_unnamed(name, 0o600) }
    }
    if unnamed >= 0 {
      self.init(owning: unnamed, path: directory)
      return
    }
    let reason = Errno.current
    guard reason.lacksUnnamedFiles else {
      throw IOError(.create, directory, reason: reason)
    }
    let (descriptor, path) = try TemporaryName.create(in: directory, prefix: ".qdedup-store.")
    _ = path.withPlatformString { unlink($0) }
    self.init(owning: descriptor, path: directory)
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
