import QCOW2
import SystemPackage
import Testing

/// The names of other files that an image gives.
@Suite struct ExternalFileTests {
  @Test(
    "a relative name begins in the image's folder",
    arguments: [
      ("disk.qcow2", "base.img", "base.img"), ("vm/disk.qcow2", "base.img", "vm/base.img"),
      ("/vm/disk.qcow2", "../base.img", "/vm/../base.img"),
      ("vm/disk.qcow2", "/images/base.img", "/images/base.img"),
      ("vm/disk.qcow2", "file:base.img", "vm/base.img"),
      ("disk.qcow2", "file:/a/b", "/a/b"), ("disk.qcow2", "sub/with:colon", "sub/with:colon"),
      ("disk.qcow2", "./nbd:x", "./nbd:x"), ("disk.qcow2", " ", " "),
    ])
  func local(image: String, name: String, path: String) throws {
    let file = ExternalFile(Array(name.utf8))
    #expect(try file.path(from: FilePath(image)) == FilePath(path))
  }

  @Test(
    "what is no local file is refused",
    arguments: [
      "nbd:localhost:10809", "nbd://host/x", "json:{\"driver\":\"raw\"}", "https://host/x", ":x",
      "fd:3", "", "file:", "a\0b",
    ])
  func refused(name: String) {
    let error = #expect(throws: FormatError.self) {
      try ExternalFile(Array(name.utf8)).path(from: "disk.qcow2")
    }
    #expect(error?.reason.contains("\"") == true)
  }

  @Test("a name need not be UTF-8")
  func bytes() throws {
    let path = try ExternalFile([0xFF, 0xFE]).path(from: "disk.qcow2")
    #expect(path.withPlatformString { UInt8(bitPattern: $0[0]) } == 0xFF)
  }
}
