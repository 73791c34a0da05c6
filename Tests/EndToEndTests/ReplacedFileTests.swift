import SystemPackage
import TestSupport
import Testing

/// Files that are replaced, and what others do to them during a conversion.
@Suite struct ReplacedFileTests {
  let workspace: Workspace
  var report: FilePath { workspace.folder.file("report.json") }

  init() throws {
    workspace = try Workspace()
    try RawImage.write(RawImage.noise(count: 200_000, seed: 171), to: workspace.input)
  }

  /// A conversion from a pipe that waits in the middle.
  private func startWaiting(_ options: [String]) throws -> RunningCommand {
    var command = try workspace.conversion(["-q"] + options, from: "-")
    command.input = .heldPipe
    let conversion = try command.start()
    try conversion.send(RawImage.noise(count: 3_000_000, seed: 172))
    #expect(try conversion.waitUntil { conversion.hasOpenFile(in: workspace.outputFolder) })
    return conversion
  }

  private func write(_ path: FilePath, format: String) throws -> CommandResult {
    try Command("qemu-io", ["-f", format, "-c", "write -P 7 0 512", path.string]).run()
  }

  @Test("A QEMU that starts on the output during the conversion is refused")
  func outputIsHeld() throws {
    try workspace.convert()
    let conversion = try startWaiting(["--force"])
    let refused = try write(workspace.output, format: "qcow2")
    #expect(refused.exitCode != 0 && refused.errors.contains("lock"), "\(refused)")
    try conversion.endInput()
    try conversion.wait().expectingExit(0)
    try write(workspace.output, format: "qcow2").expectingExit(0)
  }

  @Test("An image that a QEMU holds and that gets the output's name during a conversion stays")
  func anotherImage() throws {
    try workspace.convert()
    let other = workspace.folder.file("other.qcow2")
    try Command("cp", [workspace.output.string, other.string]).run().expectingExit(0)
    let conversion = try startWaiting(["--force"])
    let machine = try QemuImage(other, format: "qcow2").openedByRunningMachine()
    try Command("mv", [other.string, workspace.output.string]).run().expectingExit(0)
    let before = try RawImage.read(workspace.output)
    try conversion.endInput()
    let result = try conversion.wait()
    #expect(result.exitCode == 1 && result.errors.contains("in use"), "\(result)")
    #expect(try RawImage.read(workspace.output) == before)
    try machine.endInput()
    _ = try machine.wait()
  }

  @Test("A QEMU that starts on the report file during the conversion is refused")
  func reportIsHeld() throws {
    let options = ["--report-file", report.string]
    try workspace.run(["-q"] + options).expectingExit(0)
    let conversion = try startWaiting(["--force"] + options)
    let refused = try write(report, format: "raw")
    #expect(refused.exitCode != 0 && refused.errors.contains("lock"), "\(refused)")
    try conversion.endInput()
    try conversion.wait().expectingExit(0)
  }

  @Test("No report replaces an image, with --force or without", arguments: [[], ["--force"]])
  func image(options: [String]) throws {
    let disk = workspace.folder.file("disk.qcow2")
    try workspace.convert(to: disk)
    let before = try RawImage.read(disk)
    let result = try workspace.run(["--report-file", disk.string] + options)
    #expect(result.exitCode == 1 && result.errors.contains("qcow2"), "\(result)")
    #expect(try RawImage.read(disk) == before)
  }

  @Test("No report replaces the raw image of a running QEMU, whatever is forced")
  func imageInUse() throws {
    let disk = try workspace.folder.make("disk.raw", [UInt8](repeating: 3, count: 1 << 16))
    let machine = try QemuImage(disk, format: "raw").openedByRunningMachine()
    let result = try workspace.run(["--report-file", disk.string, "--force"])
    #expect(result.exitCode == 1 && result.errors.contains("in use"), "\(result)")
    #expect(try RawImage.read(disk) == [UInt8](repeating: 3, count: 1 << 16))
    try machine.endInput()
    _ = try machine.wait()
  }

  @Test(
    "JSON that only contains a report is none",
    arguments: ["history", "lines", "document", "schema", "list", "string"])
  func noReport(kind: String) throws {
    let first = workspace.folder.file("first.qcow2")
    try workspace.run(["-q", "--report-file", report.string], to: first).expectingExit(0)
    let one = String(decoding: try RawImage.read(report), as: UTF8.self)
    let line = one.split(separator: "\n").joined()
    let text =
      switch kind {
      case "history": one + one
      case "lines": line + "\n" + line + "\n"
      case "document": "{\"report\": \(one), \"report_version\": 1, \"command\": \"convert\"}"
      case "schema": "{\"$schema\": \"x\", \"properties\": {\"report_version\": {}, \"tool\": {}}}"
      case "list": "[\(one)]"
      default: "{\"note\": \"has \\\"report_version\\\" in it\"}"
      }
    try RawImage.write(Array(text.utf8), to: report)
    try expectRefusal(
      try workspace.run(["-q", "--report-file", report.string]), naming: report.string, "--force",
      leaving: workspace)
    #expect(try RawImage.read(report) == Array(text.utf8))
  }

  @Test(
    "A report on an open descriptor is written to it, and later lines stay",
    arguments: [
      ("/dev/stdout", ">>"), ("/dev/stdout", ">"), ("/dev/fd/1", ">>"), ("/proc/self/fd/1", ">>"),
      ("log", ">>"), ("link", ">>"),
    ])
  func descriptor(name: String, redirection: String) throws {
    let log = workspace.folder.file("log")
    let link = workspace.folder.file("link")
    try Command("ln", ["-s", "/dev/stdout", link.string]).run().expectingExit(0)
    let target = name == "log" ? log.string : name == "link" ? link.string : name
    let script = """
      { echo first; "$1" convert -q --report-file "$4" "$2" "$3"; echo last; } \(redirection)"$5"
      """
    let arguments = [
      try BuiltProgram.qdedup().string, workspace.input.string, workspace.output.string, target,
      log.string,
    ]
    try Command.shell(script, arguments).run().expectingExit(0)
    let text = String(decoding: try RawImage.read(log), as: UTF8.self)
    #expect(text.hasPrefix("first\n{\n") && text.hasSuffix("}\nlast\n"), "\(text)")
    #expect(text.contains("\"report_version\""))
  }

  @Test("A descriptor that is not open for writing is refused before anything is done")
  func closedDescriptor() throws {
    // The tests themselves may have a file of that number.
    let script = #"exec 9>&-; exec "$1" convert -q --report-file /dev/fd/9 "$2" "$3""#
    let arguments = [
      try BuiltProgram.qdedup().string, workspace.input.string, workspace.output.string,
    ]
    try expectRefusal(
      try Command.shell(script, arguments).run(), naming: "/dev/fd/9", leaving: workspace)
  }

  @Test("Two first runs with one new report file both end well")
  func twoFirstRuns() throws {
    let conversion = try startWaiting(["--report-file", report.string])
    let other = workspace.folder.file("other.qcow2")
    try workspace.run(["-q", "--report-file", report.string], to: other).expectingExit(0)
    try conversion.endInput()
    try conversion.wait().expectingExit(0)
    let last = try Report(json: try RawImage.read(report))
    #expect(last.output.path == workspace.output.string)
  }
}
