import DiskIO
import DiskImage
import Glibc
import SystemPackage
import Testing
import TestSupport

/// Locks shared with QEMU.
@Suite struct ImageLockTests {
  let scratch: TemporaryDirectory
  let path: FilePath

  init() throws {
    scratch = try TemporaryDirectory()
    path = try scratch.make("disk", [UInt8](repeating: 5, count: 1 << 16))
  }

  @Test("An image that a QEMU may write to is in use, and free once that has gone")
  func writer() throws {
    let machine = try QemuImage(path, format: "raw").openedByRunningMachine()
    let file = try OwnedFile(readingFrom: path)
    let error = #expect(throws: ImageError.self) { try ImageLock.acquireForReading(file) }
    #expect(error == .inUse(path))
    try Self.end(machine)
    try Self.lock(path)
  }

  @Test("An image that a QEMU only reads can be read")
  func reader() throws {
    let machine = try QemuImage(path, format: "raw").openedByRunningMachine(isReader: true)
    try Self.lock(path)
    try Self.end(machine)
  }

  @Test("Our lock keeps a QEMU from writing, not from reading, and ends with the file")
  func keepsOut() throws {
    func write() throws -> CommandResult { try Self.write(path) }
    do {
      let file = try OwnedFile(readingFrom: path)
      try ImageLock.acquireForReading(file)
      let refused = try write()
      #expect(refused.exitCode != 0)
      #expect(refused.errors.contains("lock"))
      #expect(try TemporaryDirectory.content(of: path) == [UInt8](repeating: 5, count: 1 << 16))
      try Command("qemu-io", ["-r", "-f", "raw", "-c", "read -P 5 0 512", path.string]).run()
        .expectingExit(0)
      #expect(try file.size() == 1 << 16)
    }
    let written = try Self.waiting(while: { $0.errors.contains("lock") }, write)
    #expect(written.exitCode == 0, "\(written)")
    #expect(
      try TemporaryDirectory.content(of: path)[..<513] == [UInt8](repeating: 7, count: 512) + [5])
  }

  @Test("Two readers do not disturb each other")
  func readers() throws {
    let first = try OwnedFile(readingFrom: path)
    let second = try OwnedFile(readingFrom: path)
    try ImageLock.acquireForReading(first)
    try ImageLock.acquireForReading(second)
    try ImageLock.acquireForReading(first)
    #expect(try first.size() == second.size())
  }

  @Test(
    "A lock on the write, resize or no-read byte is a conflict", arguments: [101, 103, 200], [0, 1])
  func conflicts(byte: Int64, kind: Int16) throws {
    let other = try Self.hold(byte, kind, path)
    let file = try OwnedFile(readingFrom: path)
    let error = #expect(throws: ImageError.self) { try ImageLock.acquireForReading(file) }
    #expect(error == .inUse(path))
    try other.close()
    let left = Self.waiting(while: { $0 == .inUse(path) }) { () -> ImageError? in
      do throws(ImageError) { try ImageLock.acquireForReading(file) } catch { return error }
      return nil
    }
    #expect(left == nil)
  }

  @Test("A file that is to be replaced keeps a QEMU from writing until that is done")
  func replaced() throws {
    let held = try ReplacedFile(path)
    let refused = try withExtendedLifetime(held) { try Self.write(path) }
    #expect(refused.exitCode != 0 && refused.errors.contains("lock"), "\(refused)")
    #expect(try ReplacedFile.hold(path, insteadOf: held) === held)
  }

  @Test("Another file that has the name by now is held instead, and refused if it is in use")
  func replacedByAnother() throws {
    let held = try ReplacedFile(path)
    let other = try scratch.make("other", [UInt8](repeating: 6, count: 1 << 16))
    let machine = try QemuImage(other, format: "raw").openedByRunningMachine()
    try Command("mv", [other.string, path.string]).run().expectingExit(0)
    let error = #expect(throws: ImageError.self) {
      try ReplacedFile.hold(path, insteadOf: held)
    }
    #expect(error == .inUse(path))
    try Self.end(machine)
    #expect(try ReplacedFile.hold(path, insteadOf: held) !== held)
  }

  @Test("Shared locks on other bytes are no conflict", arguments: [100, 102, 104, 201, 202, 203])
  func harmless(byte: Int64) throws {
    let other = try Self.hold(byte, Int16(F_RDLCK), path)
    defer { try? other.close() }
    try Self.lock(path)
  }

  /// Holds a lock on one byte through an open file description of its own.
  private static func hold(
    _ byte: Int64, _ kind: Int16, _ path: FilePath
  ) throws -> FileDescriptor {
    let other = try FileDescriptor.open(path, .readWrite, options: .closeOnExec)
    var lock = flock()
    lock.l_type = kind
    lock.l_whence = Int16(SEEK_SET)
    lock.l_start = off_t(byte)
    lock.l_len = 1
    // 37 is F_OFD_SETLK, which the C library shows to GNU sources only.
    let code = withUnsafeMutablePointer(to: &lock) { fcntl(other.rawValue, 37, $0) }
    try #require(code == 0)
    return other
  }

  /// What `attempt` comes to once a lock no longer hinders it, or after some seconds.
  ///
  /// A lock of a file that is closed here can last a little: a process that another test has just
  /// started holds the descriptor until it runs its program.
  private static func waiting<Outcome>(
    while isLocked: (Outcome) -> Bool, _ attempt: () throws -> Outcome
  ) rethrows -> Outcome {
    for _ in 0..<500 {
      let outcome = try attempt()
      guard isLocked(outcome) else { return outcome }
      usleep(10_000)
    }
    return try attempt()
  }

  private static func write(_ path: FilePath) throws -> CommandResult {
    try Command("qemu-io", ["-f", "raw", "-c", "write -P 7 0 512", path.string]).run()
  }

  /// Lets a running machine close its image, and waits for that.
  private static func end(_ machine: RunningCommand) throws {
    try machine.endInput()
    try machine.wait().expectingExit(0)
  }

  private static func lock(_ path: FilePath) throws {
    let file = try OwnedFile(readingFrom: path)
    try ImageLock.acquireForReading(file)
  }
}
