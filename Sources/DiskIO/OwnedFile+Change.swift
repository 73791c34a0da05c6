import CQDedupShims
import Glibc
public import SystemPackage

extension OwnedFile {
  /// Opens an existing file for reading and writing. The corresponding C function is `open` with
  /// `O_RDWR`.
  public init(changing path: FilePath) throws(IOError) {
    let opened = path.withPlatformString { name in
      retryingOnInterrupt { open(name, O_RDWR | O_CLOEXEC | O_NONBLOCK) }
    }
    guard opened >= 0 else { throw IOError(.open, path, reason: .current) }
    _ = fcntl(opened, F_SETFL, fcntl(opened, F_GETFL) & ~O_NONBLOCK)
    self.init(owning: opened, path: path)
  }

  /// Gives the room of a range back to the file system. The corresponding C function is `fallocate`
  /// with `FALLOC_FL_PUNCH_HOLE`. The range reads as zeros then.
  ///
  /// - Parameters:
  ///   - offset: Where the range begins.
  ///   - byteCount: Its size, more than 0.
  /// - Returns: Whether the file system can do that; if not, the file is as it was.
  /// - Throws: `IOError` for any other failure.
  public borrowing func punchHole(
    at offset: UInt64, byteCount: UInt64
  ) throws(IOError) -> Bool {
    guard let start = Int64(exactly: offset), let count = Int64(exactly: byteCount) else {
      throw IOError(.makeZeros, path, at: offset, reason: .fileTooLarge)
    }
    if retryingOnInterrupt({ qdedup_punch_hole(descriptor, start, count) }) == 0 { return true }
    let reason = Errno.current
    if reason == .notSupported || reason == .noFunction { return false }
    throw IOError(.makeZeros, path, at: offset, reason: reason)
  }
}
