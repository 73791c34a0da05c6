import CQDedupShims
import Glibc
internal import Synchronization
public import SystemPackage

/// A new file that appears under its name whole, in one step, or not at all.
///
/// States: in the making (from `init`), published (after `publish`), dropped (`deinit` without
/// `publish`). In the making it has no name (`O_TMPFILE`), so nothing is left of it when the process
/// is killed. Where the file system has no unnamed files it has a temporary name in the same folder,
/// which is removed when the value goes away.
///
/// Publishing, step by step:
/// 1. A free name is taken by `linkat`, or `renameat2` with `RENAME_NOREPLACE`; both fail if the
///    name is taken, so two processes never overwrite each other.
/// 2. A name that may be replaced keeps its permissions and owner: the new file takes them over.
///    Then it is linked to a temporary name, and renamed over the old file in one step.
/// 3. The folder is synced, if that is asked for, so that the name is on the disk too.
///
/// Threads: `file` may be written by many; `publish` is called once, by one.
///
/// Cost: one `open` at the beginning, two to four calls at the end; the content is never copied.
public final class AtomicFile: Sendable {
  /// The file to write to.
  public let file: OwnedFile
  /// The name that it will have.
  public let path: FilePath
  private let temporaryPath: FilePath?
  private let isPublished = Atomic(false)

  /// Begins a file that will be named `path`, in the same folder as that.
  ///
  /// - Parameter path: The final name. What is there stays untouched until `publish`.
  /// - Throws: `IOError` of `.create` when the folder cannot take a new file.
  public init(replacing path: FilePath) throws(IOError) {
    let directory = Self.directory(of: path)
    let unnamed = directory.withPlatformString { name in
      retryingOnInterrupt { qdedup_open_unnamed(name, 0o666) }
    }
    self.path = path
    if unnamed >= 0 {
      file = OwnedFile(owning: unnamed, path: path)
      temporaryPath = nil
      return
    }
    let reason = Errno.current
    guard reason.lacksUnnamedFiles else {
      throw IOError(.create, path, reason: reason)
    }
    let (descriptor, name): (CInt, FilePath)
    do {
      (descriptor, name) = try TemporaryName.create(in: directory, prefix: ".qdedup-")
    } catch {
      throw IOError(.create, path, reason: error.reason)
    }
    fchmod(descriptor, 0o666 & ~Self.currentMask())
    file = OwnedFile(owning: descriptor, path: path)
    temporaryPath = name
  }

  deinit {
    if !isPublished.load(ordering: .relaxed) { removeTemporaryName() }
  }

  /// Gives the file its name; from then on others see it.
  ///
  /// - Parameters:
  ///   - replacing: Whether a file of that name may be replaced, in one step; otherwise it is an
  ///     error of reason `.fileExists`.
  ///   - sync: Whether to wait until the name is on the disk; the file itself is synced before,
  ///     by `file.sync`.
  /// - Throws: `IOError`; the name is then as it was.
  public func publish(replacing: Bool, sync: Bool) throws(IOError) {
    if !replacing {
      try takeFreeName()
    } else {
      adoptMode()
      let source = try nameForRenaming()
      guard Self.rename(source, path) else {
        let reason = Errno.current
        _ = source.withPlatformString { unlink($0) }
        throw IOError(.publish, path, reason: reason)
      }
    }
    isPublished.store(true, ordering: .relaxed)
    if sync { Self.syncDirectory(Self.directory(of: path)) }
  }

  /// Opens the same file once more, for reading, whether it has a name or not.
  public func reopenedForReading() throws(IOError) -> OwnedFile {
    let opened = "/proc/self/fd/\(file.descriptor)".withPlatformString { name in
      retryingOnInterrupt { open(name, O_RDONLY | O_CLOEXEC) }
    }
    guard opened >= 0 else { throw IOError(.open, path, reason: .current) }
    return OwnedFile(owning: opened, path: path)
  }

  /// Gives the file its final name, which must not be taken.
  private func takeFreeName() throws(IOError) {
    guard let temporaryPath else { return try link(to: path) }
    let renamed = temporaryPath.withPlatformString { from in
      path.withPlatformString { to in qdedup_rename_to_new(from, to) }
    }
    if renamed == 0 { return }
    let reason = Errno.current
    guard reason == .invalidArgument || reason == .noFunction else {
      throw IOError(.publish, path, reason: reason)
    }
    try link(to: path)
    removeTemporaryName()
  }

  /// Links the file to `name`, which must not be taken.
  private func link(to name: FilePath) throws(IOError) {
    let failed = name.withPlatformString { target in
      guard let temporaryPath else { return qdedup_link_unnamed(file.descriptor, target) != 0 }
      return temporaryPath.withPlatformString { Glibc.link($0, target) } != 0
    }
    if failed { throw IOError(.publish, name, reason: .current) }
  }

  /// A name that leads to the file now, ready to be renamed.
  private func nameForRenaming() throws(IOError) -> FilePath {
    if let temporaryPath { return temporaryPath }
    var attempt = 0
    while true {
      let name = TemporaryName.beside(path, attempt: attempt)
      do {
        try link(to: name)
        return name
      } catch  where error.reason == .fileExists && attempt < 100 {
        attempt += 1
      }
    }
  }

  /// Gives the file the permissions, and where that is allowed the owner, of what it replaces.
  private func adoptMode() {
    var status = stat()
    guard path.withPlatformString({ stat($0, &status) }) == 0 else { return }
    _ = fchown(file.descriptor, status.st_uid, status.st_gid)
    _ = fchmod(file.descriptor, status.st_mode & 0o7777)
  }

  private func removeTemporaryName() {
    if let temporaryPath { _ = temporaryPath.withPlatformString { unlink($0) } }
  }

  private static func rename(_ source: FilePath, _ target: FilePath) -> Bool {
    source.withPlatformString { from in
      target.withPlatformString { to in Glibc.rename(from, to) }
    } == 0
  }

  /// The folder that `path` is in.
  public static func directory(of path: FilePath) -> FilePath {
    let parent = path.removingLastComponent()
    return parent.isEmpty ? "." : parent
  }

  /// Waits until the folder's names are on the disk, where that can be asked for. The file has its
  /// name by now, so that a folder which may not be read, or knows no sync, is no failure.
  private static func syncDirectory(_ directory: FilePath) {
    _ = try? OwnedFile(readingFrom: directory).sync()
  }
}
