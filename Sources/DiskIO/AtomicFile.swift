import CQDedupShims
import Glibc
internal import Synchronization
public import SystemPackage

/// A new file that appears under its name whole, in one step, or not at all.
///
/// Until `publish` it has no name (`O_TMPFILE`), so nothing is left of it when the process is
/// killed. Where the file system has no unnamed files it has a temporary name in the same folder,
/// which is removed when the value goes away.
public final class AtomicFile: Sendable {
  /// The file to write to.
  public let file: OwnedFile
  /// The name that it will have.
  public let path: FilePath
  private let temporaryPath: FilePath?
  private let isPublished = Atomic(false)

  /// Begins a file that will be named `path`, in the same folder as that.
  ///
  /// - Parameter path: The final name. What stands there stays untouched until `publish`.
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
    let prefix = ".\(path.lastComponent?.string ?? "output")."
    let (descriptor, name) = try TemporaryName.create(in: directory, prefix: prefix)
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
  ///   - sync: Whether to wait until the file and its folder are on the disk.
  /// - Throws: `IOError`; the name is then as it was.
  public func publish(replacing: Bool, sync: Bool) throws(IOError) {
    if sync { try file.sync() }
    if !replacing {
      try link(to: path)
      removeTemporaryName()
    } else {
      let source = try nameForRenaming()
      guard Self.rename(source, path) else {
        let reason = Errno.current
        _ = source.withPlatformString { unlink($0) }
        throw IOError(.publish, path, reason: reason)
      }
    }
    isPublished.store(true, ordering: .relaxed)
    if sync { try Self.syncDirectory(Self.directory(of: path)) }
  }

  /// Opens the same file once more, for reading, whether it has a name or not.
  public func reopenedForReading() throws(IOError) -> OwnedFile {
    let opened = "/proc/self/fd/\(file.descriptor)".withPlatformString { name in
      retryingOnInterrupt { open(name, O_RDONLY | O_CLOEXEC) }
    }
    guard opened >= 0 else { throw IOError(.open, path, reason: .current) }
    return OwnedFile(owning: opened, path: path)
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

  private func removeTemporaryName() {
    if let temporaryPath { _ = temporaryPath.withPlatformString { unlink($0) } }
  }

  private static func rename(_ source: FilePath, _ target: FilePath) -> Bool {
    source.withPlatformString { from in
      target.withPlatformString { to in Glibc.rename(from, to) }
    } == 0
  }

  /// The folder that `path` stands in.
  public static func directory(of path: FilePath) -> FilePath {
    let parent = path.removingLastComponent()
    return parent.isEmpty ? "." : parent
  }

  private static func syncDirectory(_ directory: FilePath) throws(IOError) {
    try OwnedFile(readingFrom: directory).sync()
  }

  /// The process's file mode creation mask. Reading it means setting it for a moment, which other
  /// threads may notice; needed only where the system does not apply it by itself.
  private static func currentMask() -> mode_t {
    let mask = umask(0o077)
    umask(mask)
    return mask
  }
}
