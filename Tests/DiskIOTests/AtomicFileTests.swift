import DiskIO
import Foundation
import Synchronization
import SystemPackage
import Testing
import TestSupport

/// A file that appears whole or not at all.
@Suite struct AtomicFileTests {
  let scratch: TemporaryDirectory
  init() throws { scratch = try TemporaryDirectory() }

  @Test("A file has no name before it is published, and then its own", arguments: [false, true])
  func publishes(replacing: Bool) throws {
    let path = scratch.file("out")
    let file = try AtomicFile(replacing: path)
    try file.file.write([1, 2, 3], at: 0)
    #expect(!FileManager.default.fileExists(atPath: path.string))
    #expect(try file.reopenedForReading().bytes(10, at: 0) == [1, 2, 3])
    try file.publish(replacing: replacing, sync: true)
    #expect(try scratch.names() == ["out"])
    #expect(try TemporaryDirectory.content(of: path) == [1, 2, 3])
    #expect(try file.reopenedForReading().identity() == FileIdentity(of: path))
  }

  @Test("A dropped file leaves nothing, and what has the name stays")
  func drops() throws {
    let path = try scratch.make("out", [9])
    do {
      let file = try AtomicFile(replacing: path)
      try file.file.write([1, 2, 3], at: 0)
    }
    #expect(try scratch.names() == ["out"])
    #expect(try TemporaryDirectory.content(of: path) == [9])
  }

  @Test("An existing name is refused and stays as it is")
  func refuses() throws {
    let path = try scratch.make("out", [9])
    let file = try AtomicFile(replacing: path)
    try file.file.write([1, 2, 3], at: 0)
    let error = #expect(throws: IOError.self) { try file.publish(replacing: false, sync: false) }
    #expect(error == IOError(.publish, path, reason: .fileExists))
    #expect(try scratch.names() == ["out"])
    #expect(try TemporaryDirectory.content(of: path) == [9])
  }

  @Test("An existing file is replaced in one step: who has it open keeps it")
  func replaces() throws {
    let path = try scratch.make("out", [9])
    let old = try OwnedFile(readingFrom: path)
    let file = try AtomicFile(replacing: path)
    try file.file.write([1, 2, 3], at: 0)
    try file.publish(replacing: true, sync: true)
    #expect(try scratch.names() == ["out"])
    #expect(try TemporaryDirectory.content(of: path) == [1, 2, 3])
    #expect(try old.bytes(10, at: 0) == [9])
  }

  @Test("Names that the replacement needs for a moment may be taken, but not all of them")
  func temporaryNamesTaken() throws {
    let path = try scratch.make("out", [9])
    let process = ProcessInfo.processInfo.processIdentifier
    let names = (0...100).map { ".qdedup-\(process)-\($0)" }
    let taken = try names.map { try scratch.make($0, [8]) }
    let file = try AtomicFile(replacing: path)
    try file.file.write([1], at: 0)
    let error = #expect(throws: IOError.self) { try file.publish(replacing: true, sync: false) }
    #expect(error == IOError(.publish, taken[100], reason: .fileExists))
    #expect(try TemporaryDirectory.content(of: path) == [9])
    try FileManager.default.removeItem(atPath: taken[100].string)
    try file.publish(replacing: true, sync: false)
    #expect(try scratch.names() == (names.dropLast() + ["out"]).sorted())
    #expect(try TemporaryDirectory.content(of: path) == [1])
    for other in taken.dropLast() { #expect(try TemporaryDirectory.content(of: other) == [8]) }
  }

  @Test("A folder is not replaced, and no other name is left")
  func folder() throws {
    let path = scratch.file("out")
    try FileManager.default.createDirectory(
      atPath: path.string, withIntermediateDirectories: false)
    let file = try AtomicFile(replacing: path)
    let error = #expect(throws: IOError.self) { try file.publish(replacing: true, sync: false) }
    #expect(error == IOError(.publish, path, reason: .isDirectory))
    #expect(try scratch.names() == ["out"])
  }

  @Test("A folder that does not exist is an error")
  func missingFolder() throws {
    let path = scratch.file("missing").appending("out")
    let error = #expect(throws: IOError.self) { try AtomicFile(replacing: path) }
    #expect(error == IOError(.create, path, reason: .noSuchFileOrDirectory))
    let inside = try scratch.make("data", []).appending("out")
    let other = #expect(throws: IOError.self) { try AtomicFile(replacing: inside) }
    #expect(other == IOError(.create, inside, reason: .notDirectory))
  }

  @Test("The folder of a name is found")
  func directory() {
    #expect(AtomicFile.directory(of: "out") == ".")
    #expect(AtomicFile.directory(of: "a/out") == "a")
    #expect(AtomicFile.directory(of: "/out") == "/")
    #expect(AtomicFile.directory(of: "/a/b/out") == "/a/b")
  }

  @Test("Many files made at once have the mode that the mask leaves, and leave the mask alone")
  func mode() async throws {
    let usual = scratch.file("usual")
    try FileDescriptor.open(
      usual, .writeOnly, options: .create, permissions: FilePermissions(rawValue: 0o666)
    ).close()
    let expected = try Self.mode(of: usual)
    let scratch = scratch
    let modes = try await withThrowingTaskGroup(of: Set<Int>.self) { group in
      for task in 0..<8 {
        group.addTask {
          var modes: Set<Int> = []
          for round in 0..<60 {
            let file = try AtomicFile(replacing: scratch.file("out.\(task).\(round)"))
            try file.publish(replacing: false, sync: false)
            modes.insert(try Self.mode(of: file.path))
          }
          return modes
        }
      }
      return try await group.reduce(into: Set<Int>()) { $0.formUnion($1) }
    }
    #expect(modes == [expected])
    let after = scratch.file("after")
    try FileDescriptor.open(
      after, .writeOnly, options: .create, permissions: FilePermissions(rawValue: 0o666)
    ).close()
    #expect(try Self.mode(of: after) == expected)
  }

  @Test(
    "The mask is in a line of the status, in octal digits",
    arguments: [
      ("Name:\tx\nUmask:\t0022\nState:\tR (running)\n", 0o022), ("Umask:\t0777", 0o777),
      ("Name:\tUmask:\t0022\nState:\tR\n", nil), ("Umask:\n", nil), ("Umask:\t0028\n", nil),
      ("", nil),
    ])
  func maskLine(status: String, mask: mode_t?) {
    #expect(AtomicFile.mask(inStatus: status) == mask)
  }

  @Test("The mask is read without being set, so that others who make files do not notice")
  func maskIsLeftAlone() throws {
    func make(_ name: String) throws -> Int {
      let path = scratch.file(name)
      try FileDescriptor.open(
        path, .writeOnly, options: .create, permissions: FilePermissions(rawValue: 0o777)
      ).close()
      return try Self.mode(of: path)
    }
    let usual = try make("usual")
    #expect(Int(AtomicFile.currentMask()) == 0o777 & ~usual)
    let isDone = Atomic(false)
    let reader = try WorkerThread {
      while !isDone.load(ordering: .relaxed) { _ = AtomicFile.currentMask() }
    }
    let modes = Set((0..<2000).map { number in try? make("file.\(number)") })
    isDone.store(true, ordering: .relaxed)
    reader.join()
    #expect(modes == [usual])
  }

  private static func mode(of path: FilePath) throws -> Int {
    let attributes = try FileManager.default.attributesOfItem(atPath: path.string)
    return try #require(attributes[.posixPermissions] as? Int)
  }
}
