import Foundation
public import SystemPackage

/// Pipes that the tests themselves read or write.
///
/// No child process inherits them, so a reader finds the end once the test has closed the other
/// end. Writing to one whose reader is gone is `Errno.brokenPipe`, and not the end of all tests.
public enum TestPipe {
  /// Makes a pipe. The corresponding C function is `pipe2`.
  public static func make() throws -> (readEnd: FileDescriptor, writeEnd: FileDescriptor) {
    _ = ignoresBrokenPipes
    return try FileDescriptor.pipe(options: .closeOnExec)
  }

  /// Makes a named pipe that delivers `bytes` to the first who reads from it, and then ends.
  public static func make(named path: FilePath, delivering bytes: [UInt8]) throws {
    try make(named: path)
    Thread.detachNewThread {
      let pipe = try? FileDescriptor.open(path, .writeOnly, options: .closeOnExec)
      _ = try? pipe?.writeAll(bytes)
      try? pipe?.close()
    }
  }

  /// Makes a named pipe that holds `bytes`, as many as go in at once, and does not end while the
  /// test has it open, as it has it from the start, for reading and writing.
  public static func make(named path: FilePath, holding bytes: [UInt8]) throws -> FileDescriptor {
    try make(named: path)
    let pipe = try FileDescriptor.open(path, .readWrite, options: .closeOnExec)
    try pipe.writeAll(bytes)
    return pipe
  }

  private static func make(named path: FilePath) throws {
    _ = ignoresBrokenPipes
    guard mkfifo(path.string, 0o600) == 0 else {
      throw TestSupportError("cannot make the pipe \(path): \(Errno(rawValue: errno))")
    }
  }

  private static let ignoresBrokenPipes: Bool = {
    signal(SIGPIPE, SIG_IGN)
    return true
  }()
}
