import DiskIO
import DiskImage
import SystemPackage
import TestSupport
import Testing

/// Formats that are told by their first or last bytes.
@Suite struct ImageFormatTests {
  let scratch: TemporaryDirectory
  init() throws { scratch = try TemporaryDirectory() }

  @Test(
    "images as qemu-img makes them",
    arguments: [
      ("qcow2", ",compat=1.1", ImageFormat.qcow2), ("qcow2", ",compat=0.10", .qcow2),
      ("qcow2", ",cluster_size=512", .qcow2), ("qcow", "", .qcow1),
      ("vmdk", ",subformat=monolithicSparse", .vmdk), ("vmdk", ",subformat=streamOptimized", .vmdk),
      ("vmdk", ",subformat=monolithicFlat", .vmdk), ("vpc", ",subformat=dynamic", .vhd),
      ("vpc", ",subformat=fixed", .vhd), ("vhdx", ",subformat=dynamic", .vhdx),
      ("vhdx", ",subformat=fixed", .vhdx), ("vdi", ",static=off", .vdi), ("qed", "", .qed),
    ])
  func realImages(format: String, option: String, expected: ImageFormat) throws {
    let path = scratch.file("image")
    try QemuImage.run(["create", "-q", "-f", format, "-o", "size=1M\(option)", path.string])
      .expectingExit(0)
    #expect(try RawImage(try OwnedFile(readingFrom: path)).detectedFormat() == expected)
  }

  @Test(
    "compressed files",
    arguments: [
      ([0x1F, 0x8B, 0x08], ImageFormat.gzip), ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00], .xz),
      ([0x28, 0xB5, 0x2F, 0xFD], .zstd),
      ([0x42, 0x5A, 0x68, 0x39, 0x31, 0x41, 0x59, 0x26, 0x53, 0x59], .bzip2),
    ])
  func compressed(magic: [UInt8], expected: ImageFormat) {
    #expect(ImageFormat(head: magic, tail: []) == expected)
    #expect(ImageFormat(head: magic + randomBytes(502, seed: 1), tail: []) == expected)
    for count in 0..<magic.count {
      #expect(ImageFormat(head: Array(magic[..<count]), tail: []) == nil)
    }
    #expect(ImageFormat(head: [0] + magic, tail: magic) == nil)
  }

  @Test("heads that are cut short of their magic show nothing")
  func short() {
    let magics: [[UInt8]] = [
      [0x51, 0x46, 0x49, 0xFB], Array("KDMV".utf8), Array("COWD".utf8), Array("QED\0".utf8),
      Array("# Disk DescriptorFile".utf8), Array("vhdxfile".utf8), Array("conectix".utf8),
      [UInt8](repeating: 0, count: 64) + [0x7F, 0x10, 0xDA, 0xBE],
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

  @Test("a VHD of fixed size shows itself at its end alone")
  func tail() {
    let footer = Array("conectix".utf8) + [UInt8](repeating: 0, count: 504)
    let zeros = [UInt8](repeating: 0, count: 512)
    #expect(ImageFormat(head: zeros, tail: footer) == .vhd)
    #expect(ImageFormat(head: zeros, tail: [0] + footer.dropLast()) == nil)
    #expect(ImageFormat(head: zeros, tail: zeros) == nil)
  }

  @Test("what guests write to the first sector is raw", arguments: 1...50)
  func raw(seed: UInt64) throws {
    let bytes = randomBytes(3000, seed: seed)
    let path = try scratch.make("disk", bytes)
    #expect(try RawImage(try OwnedFile(readingFrom: path)).detectedFormat() == nil)
  }

  @Test("each name and hint says what it is and how to go on", arguments: ImageFormat.allCases)
  func messages(format: ImageFormat) {
    let message = ImageError.foreignFormat("disk.x", format).description
    #expect(message.hasPrefix("disk.x is \(format.name), which is not read directly; "))
    #expect(message.contains("-f raw"))
    let command =
      switch format {
      case .gzip, .xz, .zstd, .bzip2: "\(format.rawValue) -dc disk.x | qdedup convert - OUTPUT"
      default: "qemu-img convert -O raw disk.x disk.raw"
      }
    #expect(message.contains(command))
  }
}
