import CQDedupShims
import DiskIO
import Foundation
import Glibc
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

  @Test("Hidden names that others have are left alone, however many they are")
  func hiddenNamesTaken() throws {
    let path = try scratch.make("out", [9])
    let process = ProcessInfo.processInfo.processIdentifier
    let names = (0...150).map { ".qdedup-\(process)-\($0)" }
    let taken = try names.map { try scratch.make($0, [8]) }
    let file = try AtomicFile(replacing: path)
    try file.file.write([1], at: 0)
    try file.publish(replacing: true, sync: false)
    #expect(try scratch.names() == (names + ["out"]).sorted())
    #expect(try TemporaryDirectory.content(of: path) == [1])
    for other in taken { #expect(try TemporaryDirectory.content(of: other) == [8]) }
  }

  @Test("Hidden files of processes that are gone are removed, and no others")
  func leftovers() throws {
    let gone = try Self.processThatIsGone()
    let own = ProcessInfo.processInfo.processIdentifier
    let left = [".qdedup-\(gone)-0", ".qdedup-\(gone)-4294967295"]
    let others = [
      ".qdedup-\(own)-0", ".qdedup-1-0", ".qdedup-\(gone)", ".qdedup-\(gone)-", "qdedup-\(gone)-0",
      ".qdedup-0\(gone)-0", ".qdedup-\(gone)-0.txt", ".qdedup-\(gone)--1", ".qdedup--1-0",
      ".qdedup-\(gone)-4294967296", "out",
    ]
    for name in left + others { _ = try scratch.make(name, [7]) }
    let folder = ".qdedup-\(gone)-5"
    try FileManager.default.createDirectory(
      atPath: scratch.file(folder).string, withIntermediateDirectories: false)
    let link = ".qdedup-\(gone)-6"
    try FileManager.default.createSymbolicLink(
      atPath: scratch.file(link).string, withDestinationPath: "out")
    _ = try AtomicFile(replacing: scratch.file("new"))
    #expect(try scratch.names() == (others + [folder, link]).sorted())
  }

  @Test("A hidden file that is still held is not removed, whatever its process's number")
  func heldLeftover() throws {
    let name = ".qdedup-\(try Self.processThatIsGone())-0"
    let path = try scratch.make(name, [7])
    let holder = try FileDescriptor.open(path, .readWrite, options: .closeOnExec)
    try #require(flock(holder.rawValue, LOCK_EX) == 0)
    _ = try AtomicFile(replacing: scratch.file("new"))
    #expect(try scratch.names() == [name])
    try holder.close()
  }

  /// The number of a process that has ended.
  private static func processThatIsGone() throws -> CInt {
    let command = try Command("true", []).start()
    _ = try command.wait()
    return command.processID
  }

  @Test("The new file has the owner, mode, list of rights and attributes of the old one")
  func attributes() throws {
    let path = try scratch.make("out", [9])
    try Command("chown", ["1234:2345", path.string]).run().expectingExit(0)
    try Command("chmod", ["640", path.string]).run().expectingExit(0)
    // Owner rw-, user 1000 rw-, group r--, mask rw-, others ---: as setfacl -m u:1000:rw makes it.
    let list: [UInt8] = [
      2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 2, 0, 6, 0, 232, 3, 0, 0, 4, 0, 4, 0, 255, 255,
      255, 255, 16, 0, 6, 0, 255, 255, 255, 255, 32, 0, 0, 0, 255, 255, 255, 255,
    ]
    let kept: [(String, [UInt8])] = [
      ("system.posix_acl_access", list), ("user.origin", Array("a mirror".utf8)),
    ]
    for (name, value) in kept {
      guard try Self.set(name, value, of: path) else {
        print("skipped: no \(name) on the file system of \(path)")
        return
      }
    }
    let file = try AtomicFile(replacing: path)
    try file.publish(replacing: true, sync: false)
    var status = stat()
    #expect(stat(path.string, &status) == 0)
    #expect(status.st_uid == 1234 && status.st_gid == 2345 && status.st_mode & 0o7777 == 0o660)
    for (name, value) in kept {
      #expect(try Self.attribute(name, of: path) == value, "\(name)")
    }
  }

  @Test("A list of rights that the folder gives by default does not widen those of the old file")
  func defaultList() throws {
    let path = try scratch.make("out", [9])
    try Command("chmod", ["600", path.string]).run().expectingExit(0)
    let list: [UInt8] = [
      2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 2, 0, 6, 0, 232, 3, 0, 0, 4, 0, 4, 0, 255, 255,
      255, 255, 16, 0, 6, 0, 255, 255, 255, 255, 32, 0, 0, 0, 255, 255, 255, 255,
    ]
    guard try Self.set("system.posix_acl_default", list, of: scratch.path) else {
      return print("skipped: no lists of rights on the file system of \(path)")
    }
    try AtomicFile(replacing: path).publish(replacing: true, sync: false)
    #expect(try Self.attribute("system.posix_acl_access", of: path) == nil)
    #expect(try Self.mode(of: path) == 0o600)
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

  /// Sets an extended attribute, if the file system has such.
  private static func set(_ name: String, _ value: [UInt8], of path: FilePath) throws -> Bool {
    let file = try OwnedFile(readingFrom: path)
    return qdedup_set_attribute(file.descriptor, name, value, value.count) == 0
  }

  private static func attribute(_ name: String, of path: FilePath) throws -> [UInt8]? {
    let file = try OwnedFile(readingFrom: path)
    var value = [UInt8](repeating: 0, count: 100)
    let count = qdedup_attribute(file.descriptor, name, &value, 100)
    return count < 0 ? nil : Array(value[..<count])
  }

  private static func mode(of path: FilePath) throws -> Int {
    let attributes = try FileManager.default.attributesOfItem(atPath: path.string)
    return try #require(attributes[.posixPermissions] as? Int)
  }
}
