import Foundation
import Synchronization
internal import SystemPackage

/// The system calls of `RunningCommand`.
enum ChildProcess {
  /// Held while descriptors exist that no other child may have, not even until it runs its program.
  private static let spawning = Mutex(())

  /// A file without a name in the place for temporary files.
  static func unnamedFile() throws -> FileDescriptor {
    var template = TemporaryDirectory.template("qdedup-test-output")
    return try template.withUnsafeMutableBufferPointer { name in
      let number = spawning.withLock { _ in
        let number = mkstemp(name.baseAddress!)
        if number >= 0 { _ = fcntl(number, F_SETFD, FD_CLOEXEC) }
        return number
      }
      guard number >= 0 else {
        throw TestSupportError(
          "cannot make a file in \(TemporaryDirectory.parent): \(Errno(rawValue: errno))")
      }
      unlink(name.baseAddress!)
      return FileDescriptor(rawValue: number)
    }
  }

  /// All bytes of a file, whatever its position.
  static func content(of file: FileDescriptor) throws -> [UInt8] {
    var status = stat()
    fstat(file.rawValue, &status)
    return try [UInt8](unsafeUninitializedCapacity: Int(status.st_size)) { buffer, count in
      while count < buffer.count {
        let rest = UnsafeMutableRawBufferPointer(
          rebasing: UnsafeMutableRawBufferPointer(buffer)[count...])
        let read = try file.read(fromAbsoluteOffset: Int64(count), into: rest)
        if read == 0 { break }
        count += read
      }
    }
  }

  /// What a status of `waitpid` says.
  static func ending(ofStatus status: CInt) -> CommandResult.Ending {
    let signal = status & 0x7f
    return signal == 0 ? .exited((status >> 8) & 0xff) : .killed(signal: signal)
  }

  /// Starts a process. The corresponding C function is `posix_spawnp`.
  ///
  /// - Parameters:
  ///   - command: What to run.
  ///   - output: Where its standard output goes.
  ///   - errors: Where its standard error goes.
  /// - Returns: The process id, and the writing end of its standard input if that is a pipe.
  /// - Throws: `TestSupportError`.
  static func spawn(
    _ command: Command, output: FileDescriptor, errors: FileDescriptor
  ) throws -> (processID: pid_t, pipe: FileDescriptor?) {
    return try spawning.withLock { _ in
      let (input, pipe) = try inputDescriptors(command.input)
      defer { try? input.close() }
      var actions = posix_spawn_file_actions_t()
      posix_spawn_file_actions_init(&actions)
      defer { posix_spawn_file_actions_destroy(&actions) }
      for (number, file) in [input, output, errors].enumerated() {
        posix_spawn_file_actions_adddup2(&actions, file.rawValue, CInt(number))
      }
      var attributes = defaultSignals()
      defer { posix_spawnattr_destroy(&attributes) }
      var arguments = ([command.program] + command.arguments).map { strdup($0) } + [nil]
      var environment = command.environmentStrings.map { strdup($0) } + [nil]
      defer { (arguments + environment).forEach { free($0) } }
      var processID: pid_t = 0
      let failure = posix_spawnp(
        &processID, command.program, &actions, &attributes, &arguments, &environment)
      guard failure == 0 else {
        try? pipe?.close()
        throw TestSupportError(
          "cannot run \(command.program): \(Errno(rawValue: failure)); is it installed?")
      }
      return (processID, pipe)
    }
  }

  /// The child's standard input, and the other end of it if it is a pipe.
  private static func inputDescriptors(
    _ input: CommandInput
  ) throws -> (FileDescriptor, FileDescriptor?) {
    switch input {
    case .nothing: (try .open("/dev/null", .readOnly, options: .closeOnExec), nil)
    case .file(let path): (try .open(path, .readOnly, options: .closeOnExec), nil)
    case .pipe, .heldPipe: try TestPipe.make()
    }
  }

  /// Attributes that give the child the signals of a fresh login, whatever the tests ignore.
  private static func defaultSignals() -> posix_spawnattr_t {
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    var all = sigset_t()
    sigfillset(&all)
    posix_spawnattr_setsigdefault(&attributes, &all)
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    let flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK
    posix_spawnattr_setflags(&attributes, Int16(flags))
    return attributes
  }
}
