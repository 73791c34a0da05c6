import DiskIO
import Foundation
import SystemPackage
import Testing
import TestSupport

/// When two names lead to one file.
@Suite struct FileIdentityTests {
  let scratch: TemporaryDirectory
  init() throws { scratch = try TemporaryDirectory() }

  @Test("Links lead to the same file, copies do not")
  func links() throws {
    let path = try scratch.make("data", [1])
    let other = try scratch.make("copy", [1])
    try FileManager.default.linkItem(atPath: path.string, toPath: scratch.file("hard").string)
    try FileManager.default.createSymbolicLink(
      atPath: scratch.file("soft").string, withDestinationPath: "data")
    let identity = try FileIdentity(of: path)
    #expect(identity != nil)
    #expect(try FileIdentity(of: scratch.file("hard")) == identity)
    #expect(try FileIdentity(of: scratch.file("soft")) == identity)
    #expect(try FileIdentity(of: other) != identity)
    #expect(try OwnedFile(readingFrom: scratch.file("soft")).identity() == identity)
    #expect(try OwnedFile(readingFrom: other).identity() != identity)
  }

  @Test("Only regular files are regular")
  func regular() throws {
    #expect(try FileIdentity(of: try scratch.make("data", []))?.isRegular == true)
    #expect(try FileIdentity(of: scratch.path)?.isRegular == false)
    #expect(try FileIdentity(of: "/dev/null")?.isRegular == false)
  }

  @Test("Nothing has no identity, and a link to nothing leads to nothing")
  func nothing() throws {
    #expect(try FileIdentity(of: scratch.file("missing")) == nil)
    try FileManager.default.createSymbolicLink(
      atPath: scratch.file("soft").string, withDestinationPath: "missing")
    #expect(try FileIdentity(of: scratch.file("soft")) == nil)
  }

  @Test("Two names would lead to one file once there is one")
  func sameFileToBe() throws {
    try FileManager.default.createDirectory(
      atPath: scratch.file("real").string, withIntermediateDirectories: false)
    try FileManager.default.createSymbolicLink(
      atPath: scratch.file("other").string, withDestinationPath: "real")
    let missing = scratch.file("real").appending("new")
    #expect(missing.leadsToSameFile(as: scratch.file("other").appending("new")))
    #expect(!missing.leadsToSameFile(as: scratch.file("other").appending("newer")))
    #expect(!missing.leadsToSameFile(as: scratch.file("new")))
    let nowhere = scratch.file("nowhere").appending("new")
    #expect(!nowhere.leadsToSameFile(as: scratch.file("nothing").appending("new")))
    let path = try scratch.make("data", [1])
    #expect(path.leadsToSameFile(as: scratch.path.appending("real/../data")))
    #expect(!path.leadsToSameFile(as: try scratch.make("copy", [1])))
  }

  @Test("A name that leads through a file is an error")
  func throughFile() throws {
    let path = try scratch.make("data", []).appending("inside")
    let error = #expect(throws: IOError.self) { try FileIdentity(of: path) }
    #expect(error == IOError(.open, path, reason: .notDirectory))
  }

  @Test("A link that leads to itself is an error")
  func loop() throws {
    let path = scratch.file("loop")
    try FileManager.default.createSymbolicLink(
      atPath: path.string, withDestinationPath: "loop")
    let error = #expect(throws: IOError.self) { try FileIdentity(of: path) }
    #expect(error == IOError(.open, path, reason: .tooManySymbolicLinkLevels))
  }
}
