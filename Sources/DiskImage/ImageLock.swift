import CQDedupShims
public import DiskIO
internal import Glibc
public import SystemPackage

/// QEMU's advisory locks on image files, as far as a reader has to respect them.
///
/// A process that opens an image holds a shared lock on byte 100 + n for every permission n that
/// it uses, and on byte 200 + n for every permission that it does not leave to others (n: 0
/// consistent read, 1 write, 3 resize). Before it goes on it looks whether another process uses what
/// it does not leave to others, or the other way round. All locks are shared ones, so they never
/// wait for each other, and two readers get along. Source: QEMU, "Image locking" and its `file`
/// driver's permissions.
///
/// The locks are those of an open file description (`F_OFD_SETLK`): they belong to the open file,
/// not to the process, and last until it is closed. Other descriptors of the process on the same
/// file do not release them, and threads need no care.
///
/// They are advice: only programs that ask for them, as all of QEMU's do, are kept out. A file system
/// without locks is an error (`cannotLock`), unless the user says that nothing writes to the image.
///
/// Cost: six system calls a file, once.
public enum ImageLock {
  private static let usesRead: Int64 = 100
  private static let usesWrite: Int64 = 101
  private static let usesResize: Int64 = 103
  private static let refusesWrite: Int64 = 201
  private static let refusesResize: Int64 = 203
  private static let refusesRead: Int64 = 200

  /// Announces a reader on `file` and makes sure that no QEMU may write to it.
  ///
  /// The locks last until the file is closed; a QEMU that wants to write is refused meanwhile.
  ///
  /// - Parameter file: The image, open for reading.
  /// - Throws: `ImageError.inUse`, or `.cannotLock` where locks fail altogether.
  public static func acquireForReading(_ file: borrowing OwnedFile) throws(ImageError) {
    for offset in [usesRead, refusesWrite, refusesResize] {
      guard qdedup_lock_byte_shared(file.descriptor, offset) == 0 else {
        throw .cannotLock(
          IOError(.lock, file.path, at: UInt64(offset), reason: Errno(rawValue: errno)))
      }
    }
    for offset in [usesWrite, usesResize, refusesRead] {
      switch qdedup_byte_is_locked(file.descriptor, offset) {
      case 0: continue
      case 1: throw .inUse(file.path)
      default:
        throw .cannotLock(
          IOError(.lock, file.path, at: UInt64(offset), reason: Errno(rawValue: errno)))
      }
    }
  }

  /// Whether a running QEMU may write to the image under `path`; false where that cannot be told.
  public static func isWritten(_ path: FilePath) -> Bool {
    guard let file = try? OwnedFile(readingFrom: path) else { return false }
    return qdedup_byte_is_locked(file.descriptor, usesWrite) == 1
  }
}
