import CQDedupShims
import Glibc
internal import SystemPackage

extension OwnedFile {
  /// Where the next data at or behind `offset` begins; nil if only a hole follows.
  ///
  /// A file system that knows no holes reports all as data.
  /// The corresponding C function is `lseek` with `SEEK_DATA`.
  public borrowing func nextData(from offset: UInt64) throws(IOError) -> UInt64? {
    try seek(from: offset, qdedup_seek_data)
  }

  /// Where the next hole at or behind `offset` begins: at the latest, the file's end.
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
