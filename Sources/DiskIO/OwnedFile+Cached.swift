internal import CQDedupShims
import Glibc

extension OwnedFile {
  /// Reads bytes that are in memory already, and none that a disk would have to be waited for. The
  /// corresponding C function is `preadv2` with `RWF_NOWAIT`; tmpfs, which does not know that, has
  /// all of its files in memory.
  ///
  /// - Parameters:
  ///   - buffer: Where the bytes go.
  ///   - offset: Where in the file the first byte is.
  /// - Returns: Whether all of them were read. If not, because memory does not have them, because the
  ///   file system cannot tell, or because the file ends, what is in `buffer` has no meaning.
  public borrowing func readCached(
    into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64
  ) -> Bool {
    var done = 0
    while done < buffer.count {
      guard let start = Int64(exactly: offset + UInt64(done)) else { return false }
      let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
      let count = retryingOnInterrupt {
        qdedup_read_cached(descriptor, rest.baseAddress, rest.count, start)
      }
      if count < 0, errno == EOPNOTSUPP, qdedup_is_on_tmpfs(descriptor) == 1 {
        return (try? read(into: rest, at: UInt64(start))) == rest.count
      }
      guard count > 0 else { return false }
      done += count
    }
    return true
  }
}
