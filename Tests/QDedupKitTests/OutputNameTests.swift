import DiskIO
import DiskImage
import Foundation
import QDedupKit
import SystemPackage
import Testing
import TestSupport

/// Names for an output.
@Suite struct OutputNameTests {
  let scratch: TemporaryDirectory
  let inputs: [ImagePart]

  init() throws {
    scratch = try TemporaryDirectory()
    inputs = [
      ImagePart(.image, try #require(try FileIdentity(of: try scratch.make("input", [1])))),
      ImagePart(.dataFile, try #require(try FileIdentity(of: try scratch.make("data", [1])))),
    ]
  }

  @Test("A free name is taken as it is", arguments: [true, false])
  func free(replaces: Bool) throws {
    let path = scratch.file("new")
    #expect(try OutputName(path, replaces: replaces, inputs: inputs).path == path)
    let deep = scratch.file("missing").appending("new")
    #expect(try OutputName(deep, replaces: replaces, inputs: inputs).path == deep)
  }

  @Test("An existing file needs leave")
  func existing() throws {
    let path = try scratch.make("old", [2])
    #expect(try OutputName(path, replaces: true, inputs: inputs).path == path)
    #expect(failure(path, replaces: false) == ConversionError.outputExists(path).description)
  }

  @Test("A link stays, and what it leads to is replaced")
  func link() throws {
    let target = try scratch.make("old", [2])
    let link = try self.link("link", to: "old")
    #expect(try OutputName(link, replaces: true, inputs: inputs).path == target)
    #expect(failure(link, replaces: false) == ConversionError.outputExists(link).description)
  }

  @Test("A link to nothing is refused", arguments: [true, false])
  func dangling(replaces: Bool) throws {
    let link = try self.link("link", to: "missing")
    let expected = ConversionError.outputDangling(link).description
    #expect(failure(link, replaces: replaces) == expected)
  }

  @Test("The input is refused under any of its names", arguments: [true, false])
  func inputItself(replaces: Bool) throws {
    let path = scratch.file("input")
    let hard = scratch.file("hard")
    try FileManager.default.linkItem(atPath: path.string, toPath: hard.string)
    for name in [path, hard, try link("link", to: "input")] {
      let expected = ConversionError.outputIsInput(name, .image).description
      #expect(failure(name, replaces: replaces) == expected)
    }
    let part = ConversionError.outputIsInput(scratch.file("data"), .dataFile).description
    #expect(failure(scratch.file("data"), replaces: replaces) == part)
    #expect(part.contains("is a data file of the input"))
  }

  @Test("What is no regular file is refused", arguments: [true, false])
  func notRegular(replaces: Bool) {
    for name: FilePath in [scratch.path, "/dev/null"] {
      let expected = ConversionError.outputNotRegular(name).description
      #expect(failure(name, replaces: replaces) == expected)
    }
  }

  @Test("A name that leads through a file is an error")
  func throughFile() {
    let path = scratch.file("input").appending("new")
    #expect(failure(path, replaces: true)?.contains("Not a directory") == true)
  }

  private func link(_ name: String, to target: String) throws -> FilePath {
    try FileManager.default.createSymbolicLink(
      atPath: scratch.file(name).string, withDestinationPath: target)
    return scratch.file(name)
  }

  private func failure(_ path: FilePath, replaces: Bool) -> String? {
    let error = #expect(throws: ConversionError.self) {
      _ = try OutputName(path, replaces: replaces, inputs: inputs)
    }
    return error?.description
  }
}
