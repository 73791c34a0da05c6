import Foundation
import SystemPackage
import TestSupport
import Testing

/// The file that the report goes to, among others.
@Suite struct ReportFileTests {
  let workspace: Workspace
  var report: FilePath { workspace.folder.file("report.json") }

  init() throws {
    workspace = try Workspace()
    try RawImage.write(RawImage.noise(count: 50_000, seed: 151), to: workspace.input)
  }

  private func run(
    _ options: [String] = [], from source: String? = nil, report: String? = nil
  ) throws -> CommandResult {
    let options = ["-q", "--report-file", report ?? self.report.string] + options
    return try workspace.run(options, from: source)
  }

  @Test("A file that is no report is replaced by force alone")
  func fileThatIsNoReportIsReplacedByForceAlone() throws {
    let large = Array("{".utf8) + [UInt8](repeating: 32, count: 1 << 20)
    for old in [RawImage.noise(count: 70_000, seed: 152), Array("precious".utf8), large] {
      try RawImage.write(old, to: report)
      try expectRefusal(try run(), naming: report.string, "--force", leaving: workspace)
      #expect(try RawImage.read(report) == old)
    }
    try run(["--force"]).expectingExit(0)
    #expect(try Report(json: try RawImage.read(report)).command == "convert")
  }

  @Test("An image that fails to be converted by force leaves what is no report")
  func imageThatFailsToBeConvertedByForceLeaves() throws {
    try RawImage.write(Array("precious".utf8), to: report)
    let result = try run(["--force"], from: workspace.folder.file("missing").string)
    #expect(result.exitCode == 1, "\(result)")
    #expect(try RawImage.read(report) == Array("precious".utf8))
  }

  @Test("An empty file and a report of before are replaced, and keep their mode")
  func emptyFileAndReportOfBeforeAreReplaced() throws {
    try RawImage.write([], to: report)
    try Command("chmod", ["640", report.string]).run().expectingExit(0)
    for options in [[], ["--force"]] {
      try run(options).expectingExit(0)
      #expect(try Report(json: try RawImage.read(report)).command == "convert")
      let mode = try Command("stat", ["-c", "%a", report.string]).run().output
      #expect(mode == "640\n")
    }
  }

  @Test("A link stays, and the report that it leads to is replaced")
  func linkStays() throws {
    let link = workspace.folder.file("link.json")
    try run().expectingExit(0)
    try Command("ln", ["-s", "report.json", link.string]).run().expectingExit(0)
    try run(["--force", "--cluster-size", "8K"], report: link.string).expectingExit(0)
    try Command("test", ["-L", link.string]).run().expectingExit(0)
    #expect(try Report(json: try RawImage.read(report)).output.clusterSize == 8192)
  }

  @Test("A run that fails leaves everything as it was")
  func runThatFailsLeavesEverythingAsItIs() throws {
    try run().expectingExit(0)
    let old = try RawImage.read(report)
    let missing = workspace.folder.file("missing").string
    for (result, code) in [
      (try run(), 1), (try run(["--force"], from: missing), 1),
      (try run(["--force", "--threads", "0"]), 64),
    ] as [(CommandResult, Int32)] {
      #expect(result.exitCode == code)
      #expect(try RawImage.read(report) == old)
    }
  }

  @Test("JSON of other programs is no report")
  func jsonOfOtherProgramsIsNoReport() throws {
    let other = try QemuImage.run(
      ["info", "-f", "raw", "--output=json", workspace.input.string]).standardOutput
    try RawImage.write(other, to: report)
    try expectRefusal(try run(), naming: report.string, "--force", leaving: workspace)
    #expect(try RawImage.read(report) == other)
  }

  @Test("A link that leads nowhere is refused and stays")
  func linkThatLeadsNowhereIsRefusedAndStays() throws {
    try Command("ln", ["-s", "nowhere", report.string]).run().expectingExit(0)
    for options in [[], ["--force"]] {
      try expectRefusal(
        try run(options), naming: report.string, "leads nowhere", leaving: workspace)
      try Command("test", ["-L", report.string]).run().expectingExit(0)
    }
  }

  @Test("A file that appears during the conversion is not replaced, and the other report is shown")
  func fileThatAppearsMeanwhileIsNotReplaced()
    throws
  {
    var command = try workspace.conversion(
      ["--report", "json", "--report-file", report.string], from: "-")
    command.input = .heldPipe
    let conversion = try command.start()
    try conversion.send(RawImage.noise(count: 3_000_000, seed: 153))
    try conversion.waitUntil { conversion.hasOpenFile(in: workspace.outputFolder) }
    try RawImage.write(Array("precious".utf8), to: report)
    try conversion.endInput()
    let result = try conversion.wait()
    #expect(result.exitCode == 1 && result.errors.contains("is complete; only its report"))
    #expect(try Report(json: result.standardOutput).command == "convert")
    #expect(try RawImage.read(report) == Array("precious".utf8))
  }

  @Test("A pipe that nobody reads is waited for until a signal comes")
  func pipeThatNobodyReadsIsWaitedForUntilSignalComes() throws {
    let pipe = workspace.folder.file("pipe")
    try Command("mkfifo", [pipe.string]).run().expectingExit(0)
    let conversion = try workspace.conversion(["--report-file", pipe.string]).start()
    #expect(try conversion.waitUntil { conversion.catches(SIGINT) })
    conversion.signal(SIGINT)
    #expect(try conversion.wait().ending == .exited(130))
    #expect(try workspace.outputNames() == [])
  }

  @Test(
    "A report that cannot be written leaves a complete output, and the message says so",
    arguments: [
      ("-q --report-file /dev/full", "/dev/full"), ("--report json >/dev/full", "standard output"),
      ("--report text >&-", "standard output"),
    ])
  func reportThatCannotBeWrittenLeavesCompleteOutput(
    words: String, place: String
  ) throws {
    let arguments = [
      try BuiltProgram.qdedup().string, workspace.input.string, workspace.output.string,
    ]
    let result = try Command.shell("exec \"$1\" convert \"$2\" \"$3\" \(words)", arguments).run()
    #expect(result.exitCode == 1, "\(result)")
    #expect(result.errors.contains("\(workspace.output) is complete; only its report"))
    #expect(result.errors.contains(place), "\(result)")
    try expectSound(workspace.output, equals: workspace.input)
  }
}
