import Foundation
public import SystemPackage

/// A child process. It is killed, if it still runs, when its owner lets go of it.
///
/// What it prints goes to unnamed files, so it never waits for a reader, whatever its amount.
public final class RunningCommand {
  /// The process id.
  public let processID: CInt
  private let command: Command
  private let standardOutput: FileDescriptor
  private let standardError: FileDescriptor
  private var pipe: FileDescriptor?
  private var ending: CommandResult.Ending?
  private var peakMemory = 0

  /// Starts `command`.
  ///
  /// - Throws: `TestSupportError` if the program is not there or the system refuses.
  init(_ command: Command) throws {
    self.command = command
    standardOutput = try ChildProcess.unnamedFile()
    standardError = try ChildProcess.unnamedFile()
    let child = try ChildProcess.spawn(
      command, output: standardOutput, errors: standardError)
    processID = child.processID
    pipe = child.pipe
    if case .pipe(let path) = command.input, let pipe = child.pipe {
      self.pipe = nil
      try Self.pump(path, into: pipe)
    }
  }

  deinit {
    if ending == nil {
      kill(processID, SIGKILL)
      var status: CInt = 0
      waitpid(processID, &status, 0)
    }
    try? pipe?.close()
    try? standardOutput.close()
    try? standardError.close()
  }

  /// Sends a signal such as `SIGINT`. A process that has ended by itself takes no notice.
  public func signal(_ number: CInt) {
    if ending == nil { kill(processID, number) }
  }

  /// Writes to the held pipe; blocks while that is full.
  ///
  /// - Parameter bytes: What the command is to read.
  /// - Throws: `Errno.brokenPipe` once the command has closed its end.
  public func send(_ bytes: [UInt8]) throws {
    try pipe?.writeAll(bytes)
  }

  /// Ends the held pipe: the command finds the end of its input.
  public func endInput() throws {
    try pipe?.close()
    pipe = nil
  }

  /// What it has printed on standard output so far.
  public func outputSoFar() throws -> String {
    String(decoding: try ChildProcess.content(of: standardOutput), as: UTF8.self)
  }

  /// What it has printed on standard error so far.
  public func errorsSoFar() throws -> String {
    String(decoding: try ChildProcess.content(of: standardError), as: UTF8.self)
  }

  /// Whether it has ended. It then waits no longer in `wait`.
  public func hasEnded() -> Bool {
    if ending == nil {
      var status: CInt = 0
      if waitpid(processID, &status, WNOHANG) == processID {
        ending = ChildProcess.ending(ofStatus: status)
      }
    }
    return ending != nil
  }

  /// Waits for its end.
  ///
  /// - Returns: How it ended and what it printed.
  /// - Throws: `TestSupportError` if it hangs.
  public func wait() throws -> CommandResult {
    guard try waitUntil({ false }) == false, let ending else {
      throw TestSupportError("hangs, so it was killed: \(command.line)")
    }
    return CommandResult(
      command: command.line, ending: ending,
      standardOutput: try ChildProcess.content(of: standardOutput),
      standardError: try ChildProcess.content(of: standardError), peakMemory: peakMemory)
  }

  /// Waits until `condition` holds or the command has ended.
  ///
  /// - Parameter condition: Looked at every millisecond.
  /// - Returns: Whether the condition held while the command ran.
  /// - Throws: What the condition throws, and `TestSupportError` if neither comes.
  @discardableResult
  public func waitUntil(_ condition: () throws -> Bool) throws -> Bool {
    let start = ContinuousClock.now
    while !hasEnded() {
      if command.watchesMemory {
        peakMemory = max(peakMemory, ChildProcess.peakMemory(of: processID))
      }
      if try condition() { return true }
      if ContinuousClock.now - start > .seconds(command.secondsUntilHanging) {
        kill(processID, SIGKILL)
        throw TestSupportError("hangs, so it was killed: \(command.line)")
      }
      usleep(1000)
    }
    return false
  }

  /// Whether it holds a file of `directory` open, named or not.
  public func hasOpenFile(in directory: FilePath) -> Bool {
    let links = "/proc/\(processID)/fd"
    let names = (try? FileManager.default.contentsOfDirectory(atPath: links)) ?? []
    return names.contains { name in
      let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(links)/\(name)")
      return target?.hasPrefix(directory.string + "/") ?? false
    }
  }

  /// Whether it has a handler for a signal such as `SIGINT`.
  public func catches(_ signal: CInt) -> Bool {
    let status = try? String(contentsOfFile: "/proc/\(processID)/status", encoding: .utf8)
    let line = status?.split(separator: "\n").first { $0.hasPrefix("SigCgt:") }
    let digits = line?.split(whereSeparator: \.isWhitespace).last ?? ""
    return (UInt64(digits, radix: 16) ?? 0) >> UInt64(signal - 1) & 1 == 1
  }

  /// Feeds a file into a pipe from a thread of its own, and then closes the pipe.
  private static func pump(_ path: FilePath, into pipe: FileDescriptor) throws {
    let source = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
    Thread.detachNewThread {
      var buffer = [UInt8](repeating: 0, count: 1 << 16)
      while let count = try? buffer.withUnsafeMutableBytes({ try source.read(into: $0) }),
        count > 0, (try? pipe.writeAll(buffer[..<count])) != nil
      {}
      try? source.close()
      try? pipe.close()
    }
  }
}
