package import Glibc
internal import Synchronization
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

extension AtomicFile {
  /// Held while the mask is set in order to read it.
  private static let settingMask = Mutex(())

  /// The process's file mode creation mask, needed only where the system does not apply it by
  /// itself.
  ///
  /// Linux tells it since 4.7. Where it does not, reading the mask means setting it for a moment,
  /// which other threads may notice that make files then.
  package static func currentMask() -> mode_t {
    if let mask = maskOfStatus() { return mask }
    return settingMask.withLock { _ in
      let mask = umask(0o077)
      umask(mask)
      return mask
    }
  }

  /// The mask that `/proc/self/status` tells, near its beginning; nil if it does not.
  private static func maskOfStatus() -> mode_t? {
    guard let file = try? OwnedFile(readingFrom: "/proc/self/status"),
      let buffer = try? AlignedBuffer(byteCount: 4096, purpose: "the state of the process"),
      let count = try? file.read(into: buffer.bytes, at: 0)
    else { return nil }
    return mask(inStatus: String(decoding: buffer.bytes[..<count], as: UTF8.self))
  }

  /// The mask in the line `Umask:` of the text of `/proc/self/status`, in octal digits.
  package static func mask(inStatus text: String) -> mode_t? {
    let label = "Umask:"
    let line = text.split(separator: "\n").first { $0.hasPrefix(label) }
    return line.flatMap { mode_t($0.dropFirst(label.count).drop(while: \.isWhitespace), radix: 8) }
  }
}
