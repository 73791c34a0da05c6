import CQDedupShims
import Glibc
public import SystemPackage

extension OwnedFile {
  /// Makes a range read as zeros, in the fastest way that there is: its room is given back, or kept
  /// and zeroed by the device. The corresponding C function is `fallocate`.
  ///
  /// - Parameters:
  ///   - offset: The first byte; on a block device a multiple of its logical blocks.
  ///   - byteCount: How many bytes, likewise.
  /// - Returns: False if neither works here, so that zeros must be written.
  /// - Throws: `IOError` of `.makeZeros`.
  public borrowing func makeZeros(at offset: UInt64, byteCount: UInt64) throws(IOError) -> Bool {
    guard let start = Int64(exactly: offset), let count = Int64(exactly: byteCount) else {
      throw IOError(.makeZeros, path, at: offset, reason: .fileTooLarge)
    }
    for call in [qdedup_punch_hole, qdedup_zero_range] {
      if retryingOnInterrupt({ call(descriptor, start, count) }) == 0 { return true }
      let reason = Errno.current
      guard reason.lacksZeroing else {
        throw IOError(.makeZeros, path, at: offset, reason: reason)
      }
    }
    return false
  }

  /// Lets go of what the system keeps of the file in memory, so that a read comes from the disk; of
  /// what has been synced, that is. The corresponding C function is `posix_fadvise`.
  ///
  /// Advice only: a file system in memory has nothing else to read from.
  public borrowing func dropCache() {
    _ = posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
  }
}

extension Errno {
  /// Whether this failure of `fallocate` says that the file or the device cannot zero a range.
  fileprivate var lacksZeroing: Bool {
    let reasons: [Errno] = [.notSupported, .noFunction, .invalidArgument]
    return reasons.contains(self)
  }
}

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
