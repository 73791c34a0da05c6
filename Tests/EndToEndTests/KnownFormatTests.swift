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

  @Test(arguments: [
    ("qcow", nil, "qcow"),
    ("vmdk", nil, "VMDK"), ("vmdk", "subformat=monolithicFlat", "VMDK"),
    ("vmdk", "subformat=streamOptimized", "VMDK"), ("vpc", nil, "VHD"),
    ("vpc", "subformat=fixed", "VHD"), ("vhdx", nil, "VHDX"), ("vdi", nil, "VDI"),
    ("qed", nil, "QED"),
  ])
  func `an image of another format is refused by its name`(
    format: String, options: String?, name: String
  ) throws {
    let other = workspace.folder.file("other.\(format)")
    _ = try QemuImage.converting(raw: input, to: other, format: format, options: options)
    try expectRefusedButForcible(other, naming: name)
  }

  @Test(arguments: ["gzip", "xz", "zstd"])
  func `a compressed file is refused by its name, and unpacked through a pipe it is taken`(
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

  @Test func `another format from a pipe is refused too`() throws {
    let other = workspace.folder.file("other.qcow2")
    _ = try QemuImage.converting(raw: input, to: other, format: "qcow2")
    var command = try workspace.conversion(from: "-")
    command.input = .pipe(contentsOf: other)
    try expectRefusal(try command.run(), naming: "qcow2", leaving: workspace)
  }

  @Test(arguments: ["-f", "--format"])
  func `format raw is what a raw image needs at most`(option: String) throws {
    try workspace.convert([option, "raw"])
    try expectSound(output, equals: input)
  }
}
