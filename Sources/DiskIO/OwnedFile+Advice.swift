import CQDedupShims
import Glibc

extension OwnedFile {
  /// Tells the system that the file will be read from one end to the other, so that it reads further
  /// ahead than it does by itself. The corresponding C function is `posix_fadvise` with
  /// `POSIX_FADV_SEQUENTIAL`.
  ///
  /// Advice only: what it does not help with stays as it was.
  public borrowing func adviseSequentialReading() {
    _ = posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL)
  }

  /// Starts writing to the disk what has been written to the file, and does not wait for it. The
  /// corresponding C function is `sync_file_range` with `SYNC_FILE_RANGE_WRITE`.
  ///
  /// Advice only: it promises nothing, and `sync` reports what went wrong.
  public borrowing func startWriteBack() {
    _ = qdedup_start_write_back(descriptor)
  }
}
