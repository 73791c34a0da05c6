import Glibc
internal import SystemPackage

/// Names for files on their way, used where a file cannot stay unnamed.
enum TemporaryName {
  /// Makes a new, empty file with an unused name. The corresponding C function is `mkstemp`.
  ///
  /// - Parameters:
  ///   - directory: Where the file goes.
  ///   - prefix: What its name begins with; six random characters follow.
  /// - Returns: The open descriptor, readable and writable by the owner, and the name.
  /// - Throws: `IOError` of `.create`.
  static func create(
    in directory: FilePath, prefix: String
  ) throws(IOError) -> (descriptor: CInt, path: FilePath) {
    var template = Array(directory.appending(prefix + "XXXXXX").string.utf8CString)
    let (descriptor, reason) = template.withUnsafeMutableBufferPointer { name in
      let made = mkstemp(name.baseAddress!)
      return (made, Errno.current)
    }
    guard descriptor >= 0 else { throw IOError(.create, directory, reason: reason) }
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    let name = template.withUnsafeBufferPointer { FilePath(platformString: $0.baseAddress!) }
    return (descriptor, name)
  }

  /// An unused name beside `path` for the moment between linking and renaming.
  static func beside(_ path: FilePath, attempt: Int) -> FilePath {
    path.removingLastComponent().appending(".qdedup-\(getpid())-\(attempt)")
  }
}
