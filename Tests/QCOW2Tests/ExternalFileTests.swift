import QCOW2
import SystemPackage
import Testing

/// The names of other files that an image gives.
@Suite struct ExternalFileTests {
  @Test(
    "A relative name begins in the image's folder",
    arguments: [
      ("disk.qcow2", "base.img", "base.img"), ("vm/disk.qcow2", "base.img", "vm/base.img"),
      ("/vm/disk.qcow2", "../base.img", "/vm/../base.img"),
      ("vm/disk.qcow2", "/images/base.img", "/images/base.img"),
      ("vm/disk.qcow2", "file:base.img", "vm/base.img"),
      ("disk.qcow2", "file:/a/b", "/a/b"), ("disk.qcow2", "sub/with:colon", "sub/with:colon"),
      ("disk.qcow2", "./nbd:x", "./nbd:x"), ("disk.qcow2", " ", " "),
    ])
  func local(image: String, name: String, path: String) throws {
    let file = ExternalFile(.backingFile, Array(name.utf8))
    #expect(try file.paths(from: FilePath(image)).first == FilePath(path))
  }

  @Test(
    "Where QEMU begins in the working folder, that file may be meant too",
    arguments: [
      ("vm/disk.qcow2", ExternalFile.Role.backingFile, "base", ["vm/base"]),
      ("vm/disk.qcow2", .backingFile, "file:base", ["vm/base", "base"]),
      ("vm/disk.qcow2", .dataFile, "a/data", ["vm/a/data", "a/data"]),
      ("vm/disk.qcow2", .dataFile, "/a/data", ["/a/data"]), ("disk", .dataFile, "data", ["data"]),
    ])
  func workingFolder(
    image: String, role: ExternalFile.Role, name: String, paths: [String]
  ) throws {
    let file = ExternalFile(role, Array(name.utf8))
    #expect(try file.paths(from: FilePath(image)) == paths.map { FilePath($0) })
  }

  @Test(
    "What is no local file is refused",
    arguments: [
      "nbd:localhost:10809", "nbd://host/x", "json:{\"driver\":\"raw\"}", "https://host/x", ":x",
      "fd:3", "", "file:", "a\0b",
    ])
  func refused(name: String) {
    let error = #expect(throws: FormatError.self) {
      try ExternalFile(.backingFile, Array(name.utf8)).paths(from: "disk.qcow2")
    }
    #expect(error?.reason.contains("\"") == true)
  }

  @Test("A name need not be UTF-8")
  func bytes() throws {
    let path = try ExternalFile(.backingFile, [0xFF, 0xFE]).paths(from: "disk.qcow2")[0]
    #expect(path.withPlatformString { UInt8(bitPattern: $0[0]) } == 0xFF)
  }
}
