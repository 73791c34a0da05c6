import SystemPackage
import TestSupport
import Testing

/// Messages that say what to do, with the names that the user has given.
@Suite struct AdviceTests {
  let workspace: Workspace
  var input: FilePath { workspace.input }

  init() throws {
    workspace = try Workspace()
    try RawImage.write(RawImage.noise(count: 200_000, seed: 171), to: workspace.input)
  }

  @Test(
    "A compressed file is answered with a command that converts it",
    arguments: ["zstd", "gzip", "xz"])
  func compressedFileIsAnsweredWithCommandThatConverts(program: String) throws {
    let packed = workspace.folder.file("in 1.packed")
    let target = workspace.outputFolder.appending("o 1.qcow2")
    try Command.shell("exec \"$1\" -c <\"$2\" >\"$3\"", [program, input.string, packed.string])
      .run().expectingExit(0)
    let result = try workspace.run(from: packed.string, to: target)
    let hint = "\(program) -dc '\(packed)' | qdedup convert - '\(target)'"
    try expectRefusal(result, naming: hint, "-f raw", leaving: workspace)
    let folder = try BuiltProgram.qdedup().removingLastComponent().string
    try Command.shell("PATH=$1:$PATH; \(hint)", [folder]).run().expectingExit(0)
    try expectSound(target, equals: input)
  }

  @Test("A compressed pipe is answered with the place of the decompressor")
  func compressedPipeIsAnsweredWithPlaceOfDecompressor() throws {
    let packed = workspace.folder.file("in.zst")
    try Command("zstd", ["-q", input.string, "-o", packed.string]).run().expectingExit(0)
    var command = try workspace.conversion(from: "-")
    command.input = .pipe(contentsOf: packed)
    command.environment = ["LC_ALL": "C.UTF-8"]
    try expectRefusal(
      try command.run(), naming: "before it: … | zstd -dc | qdedup convert - \(workspace.output) ",
      leaving: workspace)
  }

  @Test("Another format from a pipe is answered with a line for a file")
  func anotherFormatFromPipeIsAnsweredWithQemuImg() throws {
    let other = workspace.folder.file("other.vmdk")
    _ = try QemuImage.converting(raw: input, to: other, format: "vmdk")
    var command = try workspace.conversion(from: "-")
    command.input = .pipe(contentsOf: other)
    try expectRefusal(
      try command.run(), naming: "save it to a file", "nbdcopy -- [ qemu-nbd -r -f vmdk FILE ] - |",
      leaving: workspace)
  }

  @Test("A file that is said to be qcow2 and is not is refused as such")
  func fileThatIsSaidToBeQcow2AndIsNotIsToldSo() throws {
    try expectRefusal(
      try workspace.run(["-f", "qcow2"]), naming: input.string, "no qcow2 image", "leave out -f",
      leaving: workspace)
  }

  @Test(
    "A folder that takes no file is named with the reason",
    arguments: [
      ("/proc/o.qcow2", "nothing can be made in that folder"),
      ("/sys/o.qcow2", "the folder /sys cannot be written to"),
      ("/nowhere/o.qcow2", "there is no folder /nowhere: make it"),
    ])
  func folderThatTakesNoFileIsNamedWithReason(
    target: String, reason: String
  ) throws {
    for option in [[], ["--force"]] {
      try expectRefusal(
        try workspace.run(option, to: FilePath(target)), naming: "cannot create \(target)", reason,
        leaving: workspace)
    }
    try expectRefusal(
      try workspace.run(["--report-file", target]), naming: "report", target, reason,
      leaving: workspace)
  }

  @Test("An output that is part of the input is refused with the part's name")
  func outputThatIsPartOfInputIsToldWhichPart() throws {
    let (base, image) = (workspace.folder.file("base.qcow2"), workspace.folder.file("top.qcow2"))
    _ = try QemuImage.creating(base, size: 1 << 20)
    let data = workspace.folder.file("top.data")
    _ = try QemuImage.overlay(
      image, over: "base.qcow2", format: "qcow2", options: "data_file=\(data)")
    let options = ["--allow-external-files", "--force"]
    for (file, role) in [
      (image, "the input itself"), (base, "a backing file of the input"),
      (data, "a data file of the input"),
    ] {
      let before = try RawImage.read(file)
      let result = try workspace.run(options, from: image.string, to: file)
      try expectRefusal(result, naming: "\(file) is \(role);", leaving: workspace)
      let report = try workspace.run(options + ["--report-file", file.string], from: image.string)
      try expectRefusal(report, naming: file.string, leaving: workspace)
      #expect(try RawImage.read(file) == before)
    }
  }

  @Test("Threads that the system does not start are reported as such")
  func threadsThatSystemDoesNotStartAreToldAsSuch() throws {
    try RawImage.write(RawImage.noise(count: 8 << 20, seed: 172), to: input)
    let conversion = try workspace.conversion(["--threads", "100"])
    // Stacks of 1 GB each, of which there is room for few, with enough left for everything else.
    let result = try Command.shell(
      "ulimit -s 1000000 && ulimit -v 2500000 && exec \"$@\"",
      [conversion.program] + conversion.arguments
    ).run()
    try expectRefusal(
      result, naming: "cannot start a thread", "fewer --threads", leaving: workspace)
  }

  @Test("A disk that is too large is reported in units too")
  func diskThatIsTooLargeIsToldInUnitsToo() throws {
    let large = workspace.folder.file("large.img")
    try RawImage.sparse(at: large, size: 9 << 40)
    try expectRefusal(
      try workspace.run(from: large.string), naming: "9895604649984 bytes (9 TiB)",
      "8796093022208 bytes (8 TiB)", "--cluster-size 8192 (8 KiB)", leaving: workspace)
  }
}
