import Glibc
internal import SystemPackage

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
