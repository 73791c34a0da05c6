import DiskIO
import DiskImage
import Foundation
import SystemPackage
import TestSupport
import Testing

/// Formats that are recognized by their first or last bytes.
@Suite struct ImageFormatTests {
  let scratch: TemporaryDirectory
  init() throws { scratch = try TemporaryDirectory() }

  @Test(
    "Images made by qemu-img are recognised",
    arguments: [
      ("qcow2", ",compat=1.1", ImageFormat.qcow2), ("qcow2", ",compat=0.10", .qcow2),
      ("qcow2", ",cluster_size=512", .qcow2), ("qcow", "", .qcow1),
      ("vmdk", ",subformat=monolithicSparse", .vmdk), ("vmdk", ",subformat=streamOptimized", .vmdk),
      ("vmdk", ",subformat=monolithicFlat", .vmdk), ("vpc", ",subformat=dynamic", .vhd),
      ("vpc", ",subformat=fixed", .vhd), ("vhdx", ",subformat=dynamic", .vhdx),
      ("vhdx", ",subformat=fixed", .vhdx), ("vdi", ",static=off", .vdi), ("qed", "", .qed),
      ("parallels", "", .parallels),
    ])
  func realImages(format: String, option: String, expected: ImageFormat) throws {
    let path = scratch.file("image")
    try QemuImage.run(["create", "-q", "-f", format, "-o", "size=1M\(option)", path.string])
      .expectingExit(0)
    #expect(try RawImage(try OwnedFile(readingFrom: path)).detectedFormat() == expected)
  }

  @Test(
    "Compressed files are recognised",
    arguments: [
      ([0x1F, 0x8B, 0x08], ImageFormat.gzip), ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00], .xz),
      ([0x28, 0xB5, 0x2F, 0xFD], .zstd),
      ([0x42, 0x5A, 0x68, 0x39, 0x31, 0x41, 0x59, 0x26, 0x53, 0x59], .bzip2),
      ([0x04, 0x22, 0x4D, 0x18], .lz4), ([0x50, 0x4B, 0x03, 0x04], .zip),
    ])
  func compressed(magic: [UInt8], expected: ImageFormat) {
    #expect(ImageFormat(head: magic, tail: []) == expected)
    #expect(ImageFormat(head: magic + randomBytes(502, seed: 1), tail: []) == expected)
    for count in 0..<magic.count {
      #expect(ImageFormat(head: Array(magic[..<count]), tail: []) == nil)
    }
    #expect(ImageFormat(head: [0] + magic, tail: magic) == nil)
  }

  @Test("Heads that are cut short of their magic show nothing")
  func short() {
    let magics: [[UInt8]] = [
      [0x51, 0x46, 0x49, 0xFB], Array("KDMV".utf8), Array("COWD".utf8), Array("QED\0".utf8),
      Array("# Disk DescriptorFile".utf8), Array("vhdxfile".utf8), Array("conectix".utf8),
      [UInt8](repeating: 0, count: 64) + [0x7F, 0x10, 0xDA, 0xBE],
      Array("WithoutFreeSpace".utf8), Array("WithouFreSpacExt".utf8),
      Array("LUKS".utf8) + [0xBA, 0xBE], [0x3A, 0xFF, 0x26, 0xED],
    ]
    for magic in magics {
      #expect(ImageFormat(head: magic, tail: []) != nil)
      for count in 0..<magic.count {
        #expect(ImageFormat(head: Array(magic[..<count]), tail: []) == nil)
      }
    }
  }

  @Test("qcow1 and qcow2 differ in the version alone")
  func versions() {
    let magic: [UInt8] = [0x51, 0x46, 0x49, 0xFB]
    #expect(ImageFormat(head: magic + [0, 0, 0, 1], tail: []) == .qcow1)
    #expect(ImageFormat(head: magic + [0, 0, 0, 2], tail: []) == .qcow2)
    #expect(ImageFormat(head: magic + [0, 0, 0, 3], tail: []) == .qcow2)
  }

  @Test("A VHD of fixed size shows itself at its end alone")
  func tail() {
    let footer = Array("conectix".utf8) + [UInt8](repeating: 0, count: 504)
    let zeros = [UInt8](repeating: 0, count: 512)
    #expect(ImageFormat(head: zeros, tail: footer) == .vhd)
    #expect(ImageFormat(head: zeros, tail: [0] + footer.dropLast()) == nil)
    #expect(ImageFormat(head: zeros, tail: zeros) == nil)
  }

  @Test("What guests write to the first sector is raw", arguments: 1...50)
  func raw(seed: UInt64) throws {
    let bytes = randomBytes(3000, seed: seed)
    let path = try scratch.make("disk", bytes)
    #expect(try RawImage(try OwnedFile(readingFrom: path)).detectedFormat() == nil)
  }

  @Test(
    "An error names the format, and the remedy is to convert it", arguments: ImageFormat.allCases)
  func messages(format: ImageFormat) {
    let error = ImageError.foreignFormat("disk.x", format)
    #expect(error.description == "disk.x is \(format.name), which is not read directly")
    #expect(error.remedies == [.convertFirst("disk.x", format)])
  }

  @Test("The README lists every format that is refused")
  func readme() throws {
    var root = FilePath(#filePath)
    for _ in 0..<3 { root.removeLastComponent() }
    let readme = try String(contentsOfFile: root.appending("README.md").string, encoding: .utf8)
    for format in ImageFormat.allCases where format != .qcow2 {
      let words = format.name.split(separator: " ")
      let name =
        format.name.contains("compressed by")
        ? String(words.last!) : words.dropFirst().dropLast().joined(separator: " ")
      #expect(readme.contains(name))
    }
  }

  @Test(
    "A path in a command names the file to a shell, to programs and to QEMU",
    arguments: [
      ("disk.x", "disk.x"), ("/a/b-c_d", "/a/b-c_d"), ("my disk", "'my disk'"),
      ("it's", "'it'\\''s'"), ("-r", "./-r"), ("nbd:disk", "./nbd:disk"),
      ("/a:b", "/a:b"), ("a/b:c", "a/b:c"), ("a:b c", "'./a:b c'"),
    ])
  func shellWord(path: FilePath, word: String) {
    #expect(path.shellWord == word)
  }
}
