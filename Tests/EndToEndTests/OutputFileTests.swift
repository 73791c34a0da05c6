import SystemPackage
import TestSupport
import Testing

/// The output as a file among others.
@Suite struct OutputFileTests {
  let workspace: Workspace
  var input: FilePath { workspace.input }

  init() throws {
    workspace = try Workspace()
    try RawImage.write(RawImage.noise(count: 50_000, seed: 141), to: workspace.input)
  }

  /// Converts `in.img` with the workspace as the current folder.
  private func convertInFolder(_ arguments: [String], umask: String = "022") throws {
    let program = try BuiltProgram.qdedup().string
    let place = [umask, workspace.folder.path.string, program, "convert"]
    try Command.shell("umask \"$1\"; cd \"$2\"; shift 2; exec \"$@\"", place + arguments)
      .run().expectingExit(0)
  }

  @Test(
    "Names may be relative and hold anything",
    arguments: ["out.qcow2", "with space.qcow2", "Größe 漢字.qcow2", "./out", "output/x.y.z"])
  func namesMayBeRelativeAndHoldAnything(name: String) throws {
    let inputName = "in \(name.contains("/") ? "x" : name).img"
    try Command("cp", [input.string, workspace.folder.file(inputName).string]).run()
      .expectingExit(0)
    try convertInFolder([inputName, name])
    try expectSound(workspace.folder.path.appending(name), equals: input)
  }

  @Test("A name that begins with a dash comes after two dashes")
  func nameThatBeginsWithDashComesBehindTwoDashes() throws {
    try convertInFolder(["--", "in.img", "-out.qcow2"])
    try expectSound(workspace.folder.file("-out.qcow2"), equals: input)
  }

  @Test(
    "The mode of a new output is what the umask leaves",
    arguments: [("022", "644"), ("077", "600"), ("002", "664")])
  func modeOfNewOutputIsWhatUmaskLeaves(umask: String, mode: String) throws {
    try convertInFolder(["in.img", "out.qcow2"], umask: umask)
    let stat = Command("stat", ["-c", "%a", workspace.folder.file("out.qcow2").string])
    #expect(try stat.run().expectingExit(0).output == mode + "\n")
  }

  @Test(
    "Closed standard streams never let text into the output",
    arguments: ["<&- >&-", "<&- >&- 2>&-", ">&- 2>&-"])
  func closedStandardStreamsNeverLetTextIntoOutput(closed: String) throws {
    let conversion = try workspace.conversion(["--progress", "always"])
    let arguments = [conversion.program] + conversion.arguments
    let result = try Command.shell("\"$@\" \(closed)", arguments).run()
    #expect(result.exitCode == 1, "its report could not be written: \(result)")
    try expectSound(workspace.output, equals: input)
  }

  @Test("--force through a symbolic link replaces what it leads to")
  func forceThroughSymbolicLinkReplacesWhatItLeads() throws {
    let target = workspace.outputFolder.appending("target")
    try RawImage.write([1, 2, 3], to: target)
    try Command("ln", ["-s", "target", workspace.output.string]).run().expectingExit(0)
    #expect(try workspace.run().exitCode == 1)
    #expect(try RawImage.read(target) == [1, 2, 3])
    try workspace.convert(["--force"])
    try Command("test", ["-L", workspace.output.string]).run().expectingExit(0)
    try expectSound(target, equals: input)
  }

  @Test("A symbolic link that leads nowhere is no name for an output")
  func symbolicLinkThatLeadsNowhereIsNoNameForOutput() throws {
    try Command("ln", ["-s", "nowhere", workspace.output.string]).run().expectingExit(0)
    let result = try workspace.run()
    #expect(result.exitCode == 1, "\(result)")
    #expect(result.errors.contains(workspace.output.string))
    #expect(try workspace.outputNames() == ["out.qcow2"])
  }

  @Test("Nothing but the output is left in its folder")
  func nothingButOutputIsLeftInItsFolder() throws {
    try workspace.convert(["--log-store-order", "2", "--verify"])
    try workspace.convert(["--no-hash-store", "--log-store-order", "2", "--force"])
    #expect(try workspace.outputNames() == ["out.qcow2"])
  }

  @Test("The output does not depend on the names")
  func outputDoesNotDependOnNames() throws {
    try workspace.convert()
    let other = workspace.folder.file("quite-another-name")
    try workspace.convert(to: other)
    #expect(try RawImage.read(other) == RawImage.read(workspace.output))
  }

  @Test("A file that comes through standard input is not replaced by its own copy")
  func fileThatComesThroughStandardInputIsNotReplaced() throws {
    let before = try RawImage.read(workspace.input)
    let conversion = try workspace.conversion(["--force"], from: "-", to: workspace.input)
    let script = "file=$1; shift; exec \"$@\" <\"$file\""
    let arguments = [workspace.input.string, conversion.program] + conversion.arguments
    let result = try Command.shell(script, arguments).run()
    #expect(result.exitCode == 1 && result.errors.contains("is the input"), "\(result)")
    #expect(try RawImage.read(workspace.input) == before)
  }
}
