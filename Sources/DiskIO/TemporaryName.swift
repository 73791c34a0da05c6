import CQDedupShims
import Glibc
internal import SystemPackage

/// Hidden names for files in the making, where a file cannot stay unnamed: `.qdedup-PID-N`, in the
/// folder of the final name.
///
/// Two things tell a file that is still being made from one that a killed process left: the process
/// of the number PID, and an exclusive `flock` that the maker holds until it ends. The second also
/// holds across containers, where process numbers mean nothing.
enum TemporaryName {
  private static let prefix = ".qdedup-"

  /// How many numbers are tried in order, and how many at random after them.
  private static let attempts = 100

  /// Takes a hidden name that nobody has.
  ///
  /// - Parameters:
  ///   - path: The final name; the hidden one is in the same folder.
  ///   - take: Tries to take a name; the reason if that fails. `.fileExists` means to try another.
  /// - Returns: The name taken.
  /// - Throws: The first other reason.
  static func take(
    beside path: FilePath, _ take: (FilePath) -> Errno?
  ) throws(Errno) -> FilePath {
    let folder = path.removingLastComponent()
    var attempt = 0
    while true {
      let number = attempt < attempts ? UInt32(attempt) : UInt32.random(in: 1_000...UInt32.max)
      let name = folder.appending("\(prefix)\(getpid())-\(number)")
      guard let reason = take(name) else { return name }
      guard reason == .fileExists, attempt < 2 * attempts else { throw reason }
      attempt += 1
    }
  }

  /// Makes a new, empty file with a hidden name, readable and writable here.
  ///
  /// - Parameters:
  ///   - path: The final name.
  ///   - mode: The permissions, from which the process's mask is taken.
  /// - Returns: The open descriptor and the hidden name.
  /// - Throws: The reason why there can be none.
  static func create(
    beside path: FilePath, mode: mode_t
  ) throws(Errno) -> (descriptor: CInt, name: FilePath) {
    var descriptor: CInt = -1
    let name = try take(beside: path) { name in
      descriptor = name.withPlatformString { name in
        retryingOnInterrupt { open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode) }
      }
      return descriptor < 0 ? .current : nil
    }
    _ = qdedup_lock_whole_file(descriptor)
    return (descriptor, name)
  }

  /// Removes the hidden files of processes that are gone, as far as they are this user's.
  ///
  /// Takes as long as listing the folder. What cannot be listed or removed stays.
  static func removeLeftovers(in folder: FilePath) {
    guard let listing = folder.withPlatformString({ opendir($0) }) else { return }
    defer { closedir(listing) }
    while let entry = readdir(listing) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      guard let process = maker(of: name), kill(process, 0) == -1, errno == ESRCH else { continue }
      removeUnlessHeld(folder.appending(name))
    }
  }

  /// The number of the process that made a file of this name; nil if the name is none of ours.
  static func maker(of name: String) -> pid_t? {
    guard name.hasPrefix(prefix) else { return nil }
    let parts = name.dropFirst(prefix.count).split(separator: "-", omittingEmptySubsequences: false)
    let areNumbers = parts.allSatisfy { part in
      UInt32(part).map { String($0) == part } ?? false
    }
    guard parts.count == 2, areNumbers, let process = pid_t(parts[0]), process > 0 else {
      return nil
    }
    return process
  }

  private static func removeUnlessHeld(_ name: FilePath) {
    let descriptor = name.withPlatformString { name in
      open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    }
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
      status.st_uid == geteuid(), qdedup_lock_whole_file(descriptor) == 0
    else { return }
    _ = name.withPlatformString { unlink($0) }
  }
}
