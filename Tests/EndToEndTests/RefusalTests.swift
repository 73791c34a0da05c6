import SystemPackage
import TestSupport
import Testing

/// What a newcomer may get wrong: each mistake has its message, and nothing is overwritten.
@Suite struct RefusalTests {
  let workspace: Workspace
  var input: FilePath { workspace.input }
  var output: FilePath { workspace.output }

  init() throws {
    workspace = try Workspace()
    try RawImage.write(RawImage.noise(count: 200_000, seed: 71), to: workspace.input)
  }

  @Test("An input that is not there is named")
  func inputThatIsNotThereIsNamed() throws {
    let missing = workspace.folder.file("missing.img").string
    let result = try workspace.run(from: missing)
    try expectRefusal(result, naming: missing, "no such file", leaving: workspace)
  }

  @Test("A folder is no input")
  func folderIsNoInput() throws {
    let result = try workspace.run(from: workspace.folder.path.string)
    try expectRefusal(
      result, naming: workspace.folder.path.string, "directory", leaving: workspace)
  }

  @Test("A character device is no input", arguments: ["/dev/zero", "/dev/null", "/dev/tty"])
  func characterDeviceIsNoInput(device: String) throws {
    try expectRefusal(try workspace.run(from: device), naming: device, leaving: workspace)
  }

  @Test(
    "A program before the pipe that fails makes no empty disk", arguments: [[], ["-f", "raw"]])
  func programBeforePipeThatFailsMakesNoEmptyDisk(options: [String]) throws {
    let conversion = try workspace.conversion(options, from: "-")
    let pipeline = Command.shell(
      "false | exec \"$@\"", [conversion.program] + conversion.arguments)
    for command in [pipeline, conversion] {
      try expectRefusal(
        try command.run(), naming: "standard input ended without a byte",
        "did the program before the pipe fail?", leaving: workspace)
    }
  }

  @Test("A named pipe that ends without a byte is refused by its name")
  func namedPipeThatEndsWithoutByteIsRefusedByItsName() throws {
    let pipe = workspace.folder.file("pipe")
    try Command("mkfifo", [pipe.string]).run().expectingExit(0)
    let conversion = try workspace.conversion(from: pipe.string)
    let result = try Command.shell(
      "pipe=$1; shift; : >\"$pipe\" & exec \"$@\"",
      [pipe.string, conversion.program] + conversion.arguments
    ).run()
    try expectRefusal(result, naming: "\(pipe) ended without a byte", leaving: workspace)
  }

  @Test("An empty name is no input and no output")
  func emptyNameIsNoInputAndNoOutput() throws {
    try workspace.run(from: "").expectingExit(64)
    try Command.qdedup(["convert", workspace.input.string, ""]).run().expectingExit(64)
    #expect(try workspace.outputNames() == [])
  }

  @Test("A folder that is not there is no place for the output")
  func folderThatIsNotThereIsNoPlaceForOutput() throws {
    let target = workspace.folder.file("nowhere").appending("out.qcow2")
    let result = try workspace.run(to: target)
    try expectRefusal(result, naming: target.string, "no such file", leaving: workspace)
  }

  @Test("A folder is no output", arguments: [[], ["--force"]])
  func folderIsNoOutput(options: [String]) throws {
    let target = try workspace.folder.makeDirectory("taken")
    let result = try workspace.run(options, to: target)
    try expectRefusal(result, naming: target.string, leaving: workspace)
    #expect(try TemporaryDirectory.names(in: target) == [])
  }

  @Test("An existing output is left alone, and the message says how to replace it")
  func existingOutputIsLeftAlone() throws {
    let old = Array("precious".utf8)
    try RawImage.write(old, to: output)
    let result = try workspace.run()
    #expect(result.exitCode == 1)
    #expect(result.errors.contains(output.string), "\(result)")
    #expect(result.errors.contains("--force"), "\(result)")
    #expect(try RawImage.read(output) == old)
    #expect(try workspace.outputNames() == ["out.qcow2"])
  }

  @Test("--force replaces an output")
  func forceReplacesOutput() throws {
    try RawImage.write(Array("precious".utf8), to: output)
    try workspace.convert(["--force"])
    try expectSound(output, equals: input)
    #expect(try workspace.outputNames() == ["out.qcow2"])
  }

  @Test("--force with an input that is not there leaves the old output alone")
  func forceWithInputThatIsNotThereLeavesOldOutputAlone() throws {
    let old = Array("precious".utf8)
    try RawImage.write(old, to: output)
    let result = try workspace.run(["--force"], from: workspace.folder.file("missing").string)
    #expect(result.exitCode == 1)
    #expect(try RawImage.read(output) == old)
    #expect(try workspace.outputNames() == ["out.qcow2"])
  }

  @Test("The input is never replaced by the output", arguments: ["itself", "symbolic", "hard"])
  func inputIsNeverReplacedByOutput(kind: String) throws {
    let before = try RawImage.read(input)
    let target = kind == "itself" ? input : workspace.folder.file("other-name.img")
    if kind != "itself" {
      let option = kind == "symbolic" ? ["-s"] : []
      try Command("ln", option + [input.string, target.string]).run().expectingExit(0)
    }
    let result = try workspace.run(["--force"], to: target)
    try expectRefusal(result, naming: target.string, leaving: workspace)
    #expect(try RawImage.read(input) == before)
  }

  @Test("A disk too large for its cluster size is refused with the limit")
  func diskTooLargeForItsClusterSizeIsRefusedWithLimit() throws {
    let large = workspace.folder.file("large.img")
    try RawImage.sparse(at: large, size: 8 << 40, islands: [5 << 40: [1, 2, 3]])
    try workspace.convert(from: large.string)
    let walker = try expectWellFormed(output)
    #expect(walker.header.virtualSize == 8 << 40)
    #expect(walker.mappings.count == 1)
    try QemuImage(output).check().expectingExit(0)
    #expect(try QemuImage(output).info().virtualSize == 8 << 40)
    try Command("rm", [output.string]).run().expectingExit(0)
    try RawImage.sparse(at: large, size: 8 << 40 + 4096)
    let result = try workspace.run(from: large.string)
    try expectRefusal(result, naming: large.string, "cluster-size", leaving: workspace)
    #expect(result.errors.contains("8796093022208") || result.errors.contains("8 TiB"))
    try workspace.convert(["--cluster-size", "8K"], from: large.string)
    #expect(try expectWellFormed(output).header.virtualSize == 8 << 40 + 4096)
  }

  @Test("An image that a running machine writes is refused unless the user insists")
  func imageThatRunningMachineWritesIsRefusedUnlessUser() throws {
    let machine = try QemuImage(input, format: "raw").openedByRunningMachine()
    let result = try workspace.run()
    try expectRefusal(result, naming: input.string, "force-share", leaving: workspace)
    try workspace.convert(["--force-share"])
    try workspace.convert(["-U", "--force"])
    try machine.endInput()
    try machine.wait().expectingExit(0)
    try expectSound(output, equals: input)
  }

  @Test("A report file that cannot be written is named, and nothing is converted")
  func reportFileThatCannotBeWrittenIsNamed() throws {
    let file = workspace.folder.file("nowhere").appending("report.json").string
    let result = try workspace.run(["--report-file", file])
    try expectRefusal(result, naming: file, leaving: workspace)
  }

  @Test("The report never replaces the input", arguments: ["itself", "symbolic", "hard"])
  func reportNeverReplacesInput(kind: String) throws {
    let before = try RawImage.read(input)
    let target = kind == "itself" ? input : workspace.folder.file("other-name.img")
    if kind != "itself" {
      let option = kind == "symbolic" ? ["-s"] : []
      try Command("ln", option + [input.string, target.string]).run().expectingExit(0)
    }
    let result = try workspace.run(["--report-file", target.string])
    #expect(result.exitCode == 1, "\(result)")
    #expect(result.errors.contains(target.string), "\(result)")
    #expect(try RawImage.read(input) == before)
    #expect(try workspace.outputNames() == [])
  }

  @Test("The report never takes the place of the output")
  func reportNeverTakesPlaceOfOutput() throws {
    let result = try workspace.run(["--report-file", output.string])
    #expect(result.exitCode == 1, "\(result)")
    #expect(try workspace.outputNames() == [])
    let old = Array("precious".utf8)
    try RawImage.write(old, to: output)
    let forced = try workspace.run(["--force", "--report-file", output.string])
    #expect(forced.exitCode == 1, "\(forced)")
    #expect(try RawImage.read(output) == old)
  }
}
