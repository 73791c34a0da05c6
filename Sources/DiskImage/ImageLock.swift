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
  /// The locks last until the file is closed; until then a QEMU that wants to write is refused.
  ///
  /// - Parameter file: The image, open for reading.
  /// - Throws: `ImageError.inUse`, or `.cannotLock` where locks fail altogether.
  public static func acquireForReading(_ file: borrowing OwnedFile) throws(ImageError) {
    try hold([usesRead, refusesWrite, refusesResize], of: file)
    try requireFree([usesWrite, usesResize, refusesRead], of: file)
  }

  /// Announces a writer on `file`, as a QEMU that writes does, and makes sure that nobody else
  /// writes to it or relies on it not to change.
  ///
  /// The locks last until the file is closed; a QEMU that wants to open the file is refused until
  /// then.
  ///
  /// - Parameter file: The image, open for reading and writing.
  /// - Throws: `ImageError.inUse`, or `.cannotLock` where locks fail altogether.
  public static func acquireForWriting(_ file: borrowing OwnedFile) throws(ImageError) {
    try hold([usesRead, usesWrite, usesResize, refusesWrite, refusesResize], of: file)
    try requireFree(
      [usesWrite, usesResize, refusesRead, refusesWrite, refusesResize], of: file)
  }

  /// Takes shared locks on bytes, which never fails because of others' shared locks.
  private static func hold(
    _ offsets: [Int64], of file: borrowing OwnedFile
  ) throws(ImageError) {
    for offset in offsets {
      guard qdedup_lock_byte_shared(file.descriptor, offset) == 0 else {
        let reason = Errno(rawValue: errno)
        // Another holds the byte for itself alone.
        if reason == .wouldBlock || reason == .permissionDenied { throw .inUse(file.path) }
        throw .cannotLock(IOError(.lock, file.path, at: UInt64(offset), reason: reason))
      }
    }
  }

  /// Makes sure that nobody else holds a lock on any of these bytes.
  private static func requireFree(
    _ offsets: [Int64], of file: borrowing OwnedFile
  ) throws(ImageError) {
    for offset in offsets {
      switch qdedup_byte_is_locked(file.descriptor, offset) {
      case 0: continue
      case 1: throw .inUse(file.path)
      default:
        throw .cannotLock(
          IOError(.lock, file.path, at: UInt64(offset), reason: Errno(rawValue: errno)))
      }
    }
  }

  /// Whether a running QEMU may write to the image under `path`; false where that cannot be seen.
  public static func isWritten(_ path: FilePath) -> Bool {
    guard let file = try? OwnedFile(readingFrom: path) else { return false }
    return qdedup_byte_is_locked(file.descriptor, usesWrite) == 1
  }
}

/// A file that is to be replaced, held so that no QEMU begins to write to it: what a guest writes
/// would be lost with the old file.
///
/// It holds the locks of a reader (`ImageLock`) until it goes away, which must be after the
/// replacement. A file system without locks holds nothing, and that is no error: QEMU does not lock
/// there either.
public final class ReplacedFile: Sendable {
  private let file: OwnedFile
  private let identity: FileIdentity

  /// Holds the regular file that `path` leads to.
  ///
  /// - Throws: `ImageError.inUse` if a running QEMU may write to it, or `.io` if it cannot be opened,
  ///   so that nobody can tell.
  public init(_ path: FilePath) throws(ImageError) {
    let file = try OwnedFile(readingImage: path)
    identity = try file.imageIdentity()
    do {
      try ImageLock.acquireForReading(file)
    } catch {
      if case .cannotLock = error {} else { throw error }
    }
    self.file = file
  }

  /// Looks again, right before the replacement: what has the name by now may be another file.
  ///
  /// - Parameters:
  ///   - path: The name that is to be replaced.
  ///   - held: What was held so far, if anything was there.
  /// - Returns: What is to be held on: the same, or the file that is there now.
  /// - Throws: As `init` does.
  public static func hold(
    _ path: FilePath, insteadOf held: ReplacedFile?
  ) throws(ImageError) -> ReplacedFile? {
    guard let now = try? FileIdentity(of: path), now.isRegular, now != held?.identity else {
      return held
    }
    return try ReplacedFile(path)
  }
}
