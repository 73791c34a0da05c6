import DiskIO
import Glibc
import SystemPackage
import Testing
import TestSupport

/// Opening, kinds, sizes and closing.
@Suite struct OwnedFileTests {
  let scratch: TemporaryDirectory
  init() throws { scratch = try TemporaryDirectory() }

  @Test("A file that does not exist cannot be opened")
  func missing() throws {
    let path = scratch.file("missing")
    let error = #expect(throws: IOError.self) { _ = try OwnedFile(readingFrom: path).size() }
    #expect(error == IOError(.open, path, reason: .noSuchFileOrDirectory))
    #expect(error?.description == "cannot open \(path): No such file or directory")
  }

  @Test("Kinds of files are told apart")
  func kinds() throws {
    let pipe = scratch.file("pipe")
    #expect(mkfifo(pipe.string, 0o600) == 0)
    #expect(try OwnedFile(readingFrom: scratch.make("data", [])).kind() == .regular)
    #expect(try OwnedFile.writable(pipe).kind() == .pipe)
    #expect(try OwnedFile(readingFrom: "/dev/null").kind() == .other)
    #expect(try OwnedFile(readingFrom: scratch.path).kind() == .directory)
  }

  @Test(
    "The size follows as the file is cut and grown", arguments: [0, 1, 511, 512, 70_000, 1 << 40])
  func sizes(size: UInt64) throws {
    let file = try OwnedFile.writable(try scratch.make("data", [1, 2, 3]))
    #expect(try file.size() == 3)
    try file.truncate(to: size)
    #expect(try file.size() == size)
    #expect(try file.bytes(5, at: 0) == Array([1, 2, 3, 0, 0].prefix(Int(min(size, 5)))))
  }

  @Test("A hole takes no room, data do")
  func allocation() throws {
    let file = try OwnedFile.writable(scratch.file("data"))
    try file.truncate(to: 1 << 30)
    #expect(try file.allocatedSize() < 1 << 20)
    try file.write(randomBytes(1 << 20, seed: 1), at: 1 << 29)
    try file.sync()
    #expect(try (1 << 20..<2 << 20).contains(file.allocatedSize()))
  }

  @Test("An unnamed file is never seen and can be written and read")
  func unnamed() throws {
    let file = try OwnedFile(unnamedIn: scratch.path)
    #expect(try scratch.names() == [])
    try file.write([1, 2, 3], at: 10)
    #expect(try file.bytes(10, at: 9) == [0, 1, 2, 3])
    let missing = scratch.file("missing")
    let error = #expect(throws: IOError.self) { _ = try OwnedFile(unnamedIn: missing).size() }
    #expect(error?.operation == .create && error?.reason == .noSuchFileOrDirectory)
  }

  @Test("An owner that lets go closes the descriptor")
  func closes() throws {
    let (reading, writing) = try TestPipe.make()
    do { _ = OwnedFile(owning: writing.rawValue, path: "pipe") }
    try Self.expectEnd(of: reading)
  }

  @Test("What closing would report is asked without closing")
  func errorsOfClosing() throws {
    let file = try OwnedFile(unnamedIn: scratch.path)
    for _ in 0..<3 { try file.reportErrorsOfClosing() }
    try file.write([1], at: 0)
    #expect(try file.size() == 1)
  }

  @Test("There is at least one processor, and no more than the machine has")
  func processors() {
    #expect((1...Int(sysconf(Int32(_SC_NPROCESSORS_CONF)))).contains(Processors.available))
  }

  /// With the last writing end closed, a reader finds the end instead of waiting.
  private static func expectEnd(of pipe: FileDescriptor) throws {
    try pipe.closeAfter {
      try withUnsafeTemporaryAllocation(byteCount: 1, alignment: 1) { byte in
        let count = try pipe.read(into: byte)
        #expect(count == 0)
      }
    }
  }
}
