import Glibc
public import SystemPackage

/// A system call that failed: what was tried, on what, where in it, and why.
public struct IOError: Error, Equatable, Sendable {
  /// What was being done when the call failed. The raw value completes "cannot …".
  public enum Operation: String, Sendable {
    case open, create, read, write, sync, close, lock, start
    case measure = "find the size of"
    case findData = "look for data in"
    case truncate = "set the size of"
    case makeZeros = "write zeros to"
    case publish = "give its name to"
    case syncName = "make sure that a crash of the system leaves its name to"
    case allocate = "allocate memory for"
  }

  /// What the call was about.
  public enum Subject: Equatable, Sendable {
    /// A file, as the user named it.
    case path(FilePath)
    /// Memory; the text says what for.
    case memory(for: String)
    /// A thread of this process.
    case thread
  }

  /// What was being done.
  public let operation: Operation
  /// What the call was about.
  public let subject: Subject
  /// Where in the file, in bytes, if the call had a place.
  public let offset: UInt64?
  /// The reason that the system gave.
  public let reason: Errno

  /// An error of `operation` on a file, at the byte `offset` if there was a place.
  public init(_ operation: Operation, _ path: FilePath, at offset: UInt64? = nil, reason: Errno) {
    self.operation = operation
    subject = .path(path)
    self.offset = offset
    self.reason = reason
  }

  /// There is not enough memory for `purpose`.
  public init(allocating purpose: String, reason: Errno = .noMemory) {
    operation = .allocate
    subject = .memory(for: purpose)
    offset = nil
    self.reason = reason
  }

  /// No thread can be started.
  public init(startingThread reason: Errno) {
    operation = .start
    subject = .thread
    offset = nil
    self.reason = reason
  }

  /// The file, as the user named it; nil for an error of no file.
  public var path: FilePath? {
    if case .path(let path) = subject { path } else { nil }
  }
}

extension IOError: CustomStringConvertible {
  /// One line such as "cannot read a.img at byte 4096: Input/output error".
  public var description: String {
    let place = offset.map { " at byte \($0)" } ?? ""
    return "cannot \(operation.rawValue) \(subject)\(place): \(reason)"
  }
}

extension IOError.Subject: CustomStringConvertible {
  /// The subject as a message names it, after the operation.
  public var description: String {
    switch self {
    case .path(let path): path.string
    case .memory(let purpose): purpose
    case .thread: "a thread"
    }
  }
}

/// An error of a module to the right that an `IOError` can become.
public protocol IOErrorWrapping: Error {
  /// A system call failed.
  static func io(_ error: IOError) -> Self
}

extension IOErrorWrapping {
  /// The value of `body`; a system call that fails in it becomes an error of this type.
  ///
  /// An autoclosure, because Swift takes a closure in braces to throw any error unless it says
  /// otherwise. It is inlined and costs nothing while nothing fails.
  @inlinable @inline(__always)
  public static func wrappingIO<Result: ~Copyable>(
    _ body: @autoclosure () throws(IOError) -> Result
  ) throws(Self) -> Result {
    do { return try body() } catch { throw .io(error) }
  }
}

extension Errno {
  /// The reason why the system call that this thread made last has failed.
  @inline(__always)
  static var current: Errno { Errno(rawValue: errno) }
}

/// Repeats a system call while a signal interrupts it (EINTR). The call reports failure with −1.
@inline(__always)
func retryingOnInterrupt<Result: SignedInteger>(_ call: () -> Result) -> Result {
  while true {
    let result = call()
    if result != -1 || errno != EINTR { return result }
  }
}
