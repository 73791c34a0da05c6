import SystemPackage
import TestSupport
import Testing

/// Files that are certainly not raw are not read as raw by mistake.
@Suite struct KnownFormatTests {
  let workspace: Workspace
  var input: FilePath { workspace.input }
  var output: FilePath { workspace.output }

  init() throws {
    workspace = try Workspace()
    try RawImage.write(RawImage.noise(count: 300_000, seed: 81), to: workspace.input)
  }

  private func expectRefusedButForcible(
    _ file: FilePath, naming name: String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let result = try workspace.run(from: file.string)
    try expectRefusal(
      result, naming: file.string, name, "-f raw", leaving: workspace,
      sourceLocation: sourceLocation)
    try workspace.convert(["-f", "raw"], from: file.string)
    try expectSound(output, equals: file, sourceLocation: sourceLocation)
  }

  @Test(
    "An image of another format is refused by its name",
    arguments: [
      ("qcow", nil, "qcow"),
      ("vmdk", nil, "VMDK"), ("vmdk", "subformat=monolithicFlat", "VMDK"),
      ("vmdk", "subformat=streamOptimized", "VMDK"), ("vpc", nil, "VHD"),
      ("vpc", "subformat=fixed", "VHD"), ("vhdx", nil, "VHDX"), ("vdi", nil, "VDI"),
      ("qed", nil, "QED"), ("parallels", nil, "Parallels"),
    ])
  func imageOfAnotherFormatIsRefusedByItsName(
    format: String, options: String?, name: String
  ) throws {
    let other = workspace.folder.file("other.\(format)")
    _ = try QemuImage.converting(raw: input, to: other, format: format, options: options)
    try expectRefusedButForcible(other, naming: name)
  }

  @Test("A LUKS container is refused by its name")
  func luksContainerIsRefusedByItsName() throws {
    let other = workspace.folder.file("other.luks")
    let arguments =
      ["create", "-q", "-f", "luks", "--object", "secret,id=key,data=open"]
      + ["-o", "key-secret=key,iter-time=10", other.string, "1M"]
    // On a busy machine QEMU often fails to measure how fast it computes keys.
    var made = false
    for _ in 0..<100 where !made { made = try QemuImage.run(arguments).exitCode == 0 }
    try expectRefusedButForcible(other, naming: "LUKS")
    #expect(try ImageDescription(of: other).format == "luks")
  }

  @Test("An Android sparse image is refused by its name")
  func androidSparseImageIsRefusedByItsName() throws {
    // Magic, version 1.0, sizes of the headers, 4096 bytes a block, one block in one chunk, checksum;
    // then the chunk: raw, 1 block, 4108 bytes with its header.
    let header: [UInt8] = [0x3A, 0xFF, 0x26, 0xED, 1, 0, 0, 0, 28, 0, 12, 0, 0, 16, 0, 0]
    let counts: [UInt8] = [1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]
    let chunk: [UInt8] = [0xC1, 0xCA, 0, 0, 1, 0, 0, 0, 12, 16, 0, 0]
    let other = try workspace.folder.make(
      "system.img", header + counts + chunk + RawImage.noise(count: 4096, seed: 82))
    try expectRefusedButForcible(other, naming: "Android sparse image")
    #expect(try ImageDescription(of: other).format == "android-sparse")
  }

  @Test("An lz4 file is refused by its name")
  func lz4FileIsRefusedByItsName() throws {
    // Magic, flags for nothing but independent blocks, blocks of 64 KiB, checksum of these; a block
    // that is not compressed; the end.
    let begin: [UInt8] = [0x04, 0x22, 0x4D, 0x18, 0x60, 0x40, 0x82, 0x00, 0x10, 0x00, 0x80]
    let noise = RawImage.noise(count: 4096, seed: 83)
    let other = try workspace.folder.make("disk.lz4", begin + noise + [0, 0, 0, 0])
    try expectRefusedButForcible(other, naming: "lz4")
    #expect(try ImageDescription(of: other).format == "lz4")
  }

  @Test("A ZIP archive is refused by its name")
  func zipArchiveIsRefusedByItsName() throws {
    let other = workspace.folder.file("disk.zip")
    try Command("python3", ["-m", "zipfile", "-c", other.string, input.string]).run()
      .expectingExit(0)
    try expectRefusedButForcible(other, naming: "ZIP")
    #expect(try ImageDescription(of: other).format == "zip")
  }

  @Test(
    "A compressed file is refused by its name, and unpacked through a pipe it is taken",
    arguments: ["gzip", "xz", "zstd"])
  func compressedFileIsRefusedByItsName(
    program: String
  ) throws {
    let packed = workspace.folder.file("packed")
    try Command.shell("exec \"$1\" -c <\"$2\" >\"$3\"", [program, input.string, packed.string])
      .run().expectingExit(0)
    try expectRefusedButForcible(packed, naming: program)
    let conversion = try workspace.conversion(["--force"], from: "-")
    let pipeline = "packer=$1 file=$2; shift 2; $packer -dc \"$file\" | \"$@\""
    let arguments = [program, packed.string, conversion.program] + conversion.arguments
    try Command.shell(pipeline, arguments).run().expectingExit(0)
    try expectSound(output, equals: input)
  }

  @Test("Another format from a pipe is refused too")
  func anotherFormatFromPipeIsRefusedToo() throws {
    let other = workspace.folder.file("other.qcow2")
    _ = try QemuImage.converting(raw: input, to: other, format: "qcow2")
    var command = try workspace.conversion(from: "-")
    command.input = .pipe(contentsOf: other)
    try expectRefusal(try command.run(), naming: "qcow2", leaving: workspace)
  }

  @Test("--format raw is what a raw image needs at most", arguments: ["-f", "--format"])
  func formatRawIsWhatRawImageNeedsAtMost(option: String) throws {
    try workspace.convert([option, "raw"])
    try expectSound(output, equals: input)
  }
}
