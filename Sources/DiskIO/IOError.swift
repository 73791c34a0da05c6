import Glibc
public import SystemPackage

/// A system call on a file that failed: what was tried, on which file, where in it, and why.
public struct IOError: Error, Equatable, Sendable {
  /// What was being done when the call failed. The raw value completes "cannot …".
  public enum Operation: String, Sendable {
    case open, create, read, write, sync, close, lock, start
    case measure = "find the size of"
    case findData = "look for data in"
    case truncate = "set the size of"
    case publish = "give its name to"
    case allocate = "allocate memory for"
  }

  /// What was being done.
  public let operation: Operation
  /// The file, as the user named it.
  public let path: FilePath
  /// Where in the file, in bytes, if the call had a place.
  public let offset: UInt64?
  /// The reason that the system gave.
  public let reason: Errno

  /// An error of `operation` on `path`, at the byte `offset` if there was a place.
  public init(_ operation: Operation, _ path: FilePath, at offset: UInt64? = nil, reason: Errno) {
    self.operation = operation
    self.path = path
    self.offset = offset
    self.reason = reason
  }
}

extension IOError: CustomStringConvertible {
  /// One line such as "cannot read a.img at byte 4096: Input/output error".
  public var description: String {
    let place = offset.map { " at byte \($0)" } ?? ""
    return "cannot \(operation.rawValue) \(path)\(place): \(reason)"
  }
}

extension Errno {
  /// The reason why the system call that this thread made last has failed.
  @inline(__always)
  static var current: Errno { Errno(rawValue: errno) }

  /// Whether this failure of `O_TMPFILE` says that the file system or the kernel does not know it.
  var lacksUnnamedFiles: Bool {
    self == .notSupported || self == .isDirectory || self == .invalidArgument
  }
}

/// Repeats a system call while a signal interrupts it (EINTR). The call reports failure with −1.
@inline(__always)
func retryingOnInterrupt<Result: SignedInteger>(_ call: () -> Result) -> Result {
  while true {
    let result = call()
    if result != -1 || errno != EINTR { return result }
  }
}
