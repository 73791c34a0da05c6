import CQDedupShims
import Glibc
internal import Synchronization
public import SystemPackage

/// A new file that appears under its name whole, in one step, or not at all.
///
/// States: in the making (from `init`), published (after `publish`), dropped (`deinit` without
/// `publish`). What the folder allows is found out by `init`, before any work is done:
/// - unnamed: the file has no name (`O_TMPFILE`), so nothing is left of it when the process is
///   killed. A second such file is named and removed again, to see that naming one works here
///   (`linkat` is refused in some sandboxes, and needs /proc or a privilege).
/// - hidden: the file has a temporary name in the same folder (`TemporaryName`), which is renamed
///   once, to see that renaming works. A killed process leaves it; the next one that makes a file in
///   the folder removes it.
///
/// Publishing, step by step:
/// 1. A free name is taken by `linkat`, or, from a hidden name, by `renameat2` with
///    `RENAME_NOREPLACE`, else `link`, else by reserving the name with `O_EXCL` and renaming over
///    it. Each of them fails if the name is taken, so two processes never overwrite each other.
/// 2. A file that may be replaced hands on its owner, permissions and attributes. Then the new one
///    is linked to a hidden name, and renamed over the old one in one step.
/// 3. The folder is synced, if that is asked for, so that the name is on the disk too.
///
/// Threads: `file` may be written by many; `publish` is called once, by one.
///
/// Cost: listing the folder and five calls at the beginning, two to four at the end; the content is
/// never copied.
public final class AtomicFile: Sendable {
  /// The file to write to, for those who keep it.
  public let handle: OpenFile
  /// The file to write to.
  public var file: OwnedFile { _read { yield handle.file } }
  /// The name that it will have.
  public let path: FilePath
  /// The hidden name that it has; nil if it has none.
  private let hiddenName: FilePath?
  private let isPublished = Atomic(false)

  /// Begins a file that will be named `path`, in the same folder as that.
  ///
  /// - Parameter path: The final name. What is there stays untouched until `publish`.
  /// - Throws: `IOError` of `.create` when the folder cannot take a new file, or not give it a name.
  public init(replacing path: FilePath) throws(IOError) {
    self.path = path
    let folder = Self.directory(of: path)
    TemporaryName.removeLeftovers(in: folder)
    if Self.canNameUnnamedFiles(beside: path), let unnamed = Self.openUnnamed(in: folder) {
      handle = OpenFile(OwnedFile(owning: unnamed, path: path))
      _ = qdedup_lock_whole_file(unnamed)
      hiddenName = nil
      return
    }
    do throws(Errno) {
      let (descriptor, first) = try Self.createHidden(beside: path)
      handle = OpenFile(OwnedFile(owning: descriptor, path: path))
      hiddenName = try Self.renamed(first, beside: path)
    } catch {
      throw IOError(.create, path, reason: error)
    }
  }

  deinit {
    if let hiddenName, !isPublished.load(ordering: .relaxed) { Self.remove(hiddenName) }
  }

  /// Gives the file its name; from then on others see it.
  ///
  /// - Parameters:
  ///   - replacing: Whether a file of that name may be replaced, in one step; otherwise it is an
  ///     error of reason `.fileExists`.
  ///   - sync: Whether to wait until the name is on the disk; the file itself is synced before,
  ///     by `file.sync`.
  /// - Throws: `IOError` of `.publish`, and the name is as it was; or of `.syncName`, and the file
  ///   has its name, but may not have it any more after a crash.
  public func publish(replacing: Bool, sync: Bool) throws(IOError) {
    do throws(Errno) {
      if replacing { try replaceName() } else { try takeFreeName() }
    } catch {
      throw IOError(.publish, path, reason: error)
    }
    isPublished.store(true, ordering: .relaxed)
    if sync { try syncName() }
  }

  /// A second descriptor of the file, which can be read whether it has a name, and rights, or not.
  /// The corresponding C function is `fcntl` with `F_DUPFD_CLOEXEC`.
  public func reopenedForReading() throws(IOError) -> OwnedFile {
    let other = fcntl(file.descriptor, F_DUPFD_CLOEXEC, 0)
    guard other >= 0 else { throw IOError(.open, path, reason: .current) }
    return OwnedFile(owning: other, path: path)
  }

  /// The folder that `path` is in.
  public static func directory(of path: FilePath) -> FilePath {
    let parent = path.removingLastComponent()
    return parent.isEmpty ? "." : parent
  }
}

// What `init` finds out.
extension AtomicFile {
  /// Makes a file without a name; nil where there are none.
  private static func openUnnamed(in folder: FilePath) -> CInt? {
    let descriptor = folder.withPlatformString { name in
      retryingOnInterrupt { qdedup_open_unnamed(name, 0o666) }
    }
    return descriptor < 0 ? nil : descriptor
  }

  /// Whether a file without a name can be made and get one: both are tried.
  private static func canNameUnnamedFiles(beside path: FilePath) -> Bool {
    guard let descriptor = openUnnamed(in: directory(of: path)) else { return false }
    defer { close(descriptor) }
    guard let name = try? TemporaryName.take(beside: path, { link(descriptor, to: $0) }) else {
      return false
    }
    remove(name)
    return true
  }

  /// Makes a file with a hidden name. Where it is to replace another, nobody else may open it
  /// before it has the rights of that.
  private static func createHidden(
    beside path: FilePath
  ) throws(Errno) -> (descriptor: CInt, name: FilePath) {
    var status = stat()
    let isTaken = path.withPlatformString { lstat($0, &status) } == 0
    return try TemporaryName.create(beside: path, mode: isTaken ? 0o600 : 0o666)
  }

  /// Gives a hidden file another hidden name; it is removed if that cannot be done.
  private static func renamed(
    _ name: FilePath, beside path: FilePath
  ) throws(Errno) -> FilePath {
    let result = Result { () throws(Errno) in
      try TemporaryName.take(beside: path) { other in
        var status = stat()
        let isTaken = other.withPlatformString { lstat($0, &status) } == 0
        return isTaken ? .fileExists : rename(name, to: other)
      }
    }
    if case .failure = result { remove(name) }
    return try result.get()
  }
}

// The steps of `publish`.
extension AtomicFile {
  /// Gives the file its final name, which must not be taken.
  private func takeFreeName() throws(Errno) {
    guard let hiddenName else {
      if let reason = Self.link(file.descriptor, to: path) { throw reason }
      return
    }
    guard let first = Self.renameToFree(hiddenName, to: path) else { return }
    if first == .fileExists { throw first }
    guard let second = Self.linkAndRemove(hiddenName, to: path) else { return }
    if second == .fileExists { throw second }
    if let last = Self.reserveAndRename(hiddenName, to: path) { throw last }
  }

  /// Puts the file in the place of another in one step, with the attributes of that.
  private func replaceName() throws(Errno) {
    file.adoptAttributes(of: path)
    let source: FilePath
    if let hiddenName {
      source = hiddenName
    } else {
      source = try TemporaryName.take(beside: path) { Self.link(file.descriptor, to: $0) }
    }
    guard let reason = Self.rename(source, to: path) else { return }
    if hiddenName == nil { Self.remove(source) }
    throw reason
  }

  /// Waits until the folder's names are on the disk, where that can be asked for: a folder that may
  /// not be read, or knows no sync, is no failure.
  private func syncName() throws(IOError) {
    guard let folder = try? OwnedFile(readingFrom: Self.directory(of: path)) else { return }
    do {
      try folder.sync()
    } catch {
      let isUnknown: [Errno] = [.invalidArgument, .notSupported, .noFunction, .badFileDescriptor]
      if !isUnknown.contains(error.reason) {
        throw IOError(.syncName, path, reason: error.reason)
      }
    }
  }

  // The ways to name a file; each returns the reason why it failed, or nil.

  private static func renameToFree(_ source: FilePath, to target: FilePath) -> Errno? {
    let result = source.withPlatformString { from in
      target.withPlatformString { to in qdedup_rename_to_new(from, to) }
    }
    return result == 0 ? nil : .current
  }

  private static func linkAndRemove(_ source: FilePath, to target: FilePath) -> Errno? {
    let result = source.withPlatformString { from in
      target.withPlatformString { to in Glibc.link(from, to) }
    }
    if result != 0 { return .current }
    remove(source)
    return nil
  }

  private static func reserveAndRename(_ source: FilePath, to target: FilePath) -> Errno? {
    let reserved = target.withPlatformString { name in
      retryingOnInterrupt { open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600) }
    }
    guard reserved >= 0 else { return .current }
    close(reserved)
    guard let reason = rename(source, to: target) else { return nil }
    remove(target)
    return reason
  }

  private static func rename(_ source: FilePath, to target: FilePath) -> Errno? {
    let result = source.withPlatformString { from in
      target.withPlatformString { to in Glibc.rename(from, to) }
    }
    return result == 0 ? nil : .current
  }

  private static func link(_ descriptor: CInt, to name: FilePath) -> Errno? {
    name.withPlatformString { qdedup_link_unnamed(descriptor, $0) } == 0 ? nil : .current
  }

  private static func remove(_ name: FilePath) {
    _ = name.withPlatformString { unlink($0) }
  }
}
