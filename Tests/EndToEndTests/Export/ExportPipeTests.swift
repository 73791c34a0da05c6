import Foundation
import SystemPackage
import TestSupport
import Testing

/// `qdedup export IMAGE -`: every byte of the disk, in order.
@Suite("Export to a pipe") struct ExportPipeTests {
  let workspace: Workspace
  var image: FilePath { workspace.output }

  init() throws {
    workspace = try Workspace()
    try workspace.makeDisk(seed: 411)
    try workspace.convert(["-c", "--cluster-size", "4K", "--compression-type", "zstd"])
  }

  @Test("The bytes come in order for every number of threads", arguments: ["1", "2", "8"])
  func order(threads: String) throws {
    let bytes = try workspace.exportThroughPipe(["--threads", threads], image, "cat")
    #expect(try bytes == RawImage.read(workspace.input))
  }

  @Test("A file as standard output gets the bytes after what is there")
  func appended() throws {
    let target = workspace.folder.file("joined")
    try RawImage.write([1, 2, 3], to: target)
    let command = try workspace.exportCommand([], image, to: "-")
    try Command.shell(
      "target=$1; shift; \"$@\" >>\"$target\"",
      [target.string, command.program] + command.arguments
    ).run().expectingExit(0)
    #expect(try RawImage.read(target) == [1, 2, 3] + RawImage.read(workspace.input))
  }

  @Test("A report goes to standard error, and only if it is asked for")
  func reports() throws {
    let silent = try workspace.exportCommand([], image, to: "-").run().expectingExit(0)
    #expect(silent.errors == "")
    let result = try workspace.exportCommand(["--report", "json"], image, to: "-").run()
    let report = try ExportReport(json: result.expectingExit(0).standardError)
    #expect(report.output.kind == "pipe" && report.output.allocatedBytes == nil)
    #expect(report.bytes.written == report.bytes.total)
    let file = workspace.folder.file("report.json")
    try RawImage.write(result.standardError, to: file)
    try expectValid(file, schema: "ExportSchema.json")
  }

  @Test("A reader that goes away ends the export with a message")
  func closedReader() throws {
    let command = try workspace.exportCommand([], image, to: "-")
    let result = try Command.shell(
      "{ \"$@\"; echo $? >&2; } | head -c 100000 >/dev/null",
      [command.program] + command.arguments
    ).run()
    #expect(result.errors.contains("cannot write standard output"), "\(result)")
    #expect(result.errors.contains("only a part of the disk"), "\(result)")
    #expect(result.errors.hasSuffix("\n1\n"), "\(result)")
  }

  @Test("An image that changes while it is read is an error, unless that is allowed")
  func changedImage() throws {
    // More than a pipe takes, so that the change comes before the end.
    let script = """
      { "$@"; echo $? >&2; } | { head -c 1000; touch "$IMAGE"; cat; } >/dev/null
      """
    for (options, code) in [([], "1"), (["--allow-changes"], "0")] {
      let command = try workspace.exportCommand(options, image, to: "-")
      var shell = Command.shell(script, [command.program] + command.arguments)
      shell.environment["IMAGE"] = image.string
      let result = try shell.run()
      #expect(result.errors.hasSuffix("\(code)\n"), "\(result)")
      #expect(result.errors.contains("--allow-changes") == (code == "1"), "\(result)")
    }
  }

  @Test("An interruption while nobody reads ends it", arguments: [SIGINT, SIGTERM])
  func silentReader(signal: CInt) throws {
    let name = workspace.folder.file("pipe")
    let pipe = try TestPipe.make(named: name, holding: [])
    defer { try? pipe.close() }
    let command = try workspace.exportCommand([], image, to: "-")
    let export = try Command.shell(
      "pipe=$1; shift; exec \"$@\" >\"$pipe\"",
      [name.string, command.program] + command.arguments
    ).start()
    var request = pollfd(fd: pipe.rawValue, events: Int16(POLLIN), revents: 0)
    #expect(try export.waitUntil { poll(&request, 1, 0) == 1 }, "it never wrote")
    export.signal(signal)
    let result = try export.wait()
    #expect(result.ending == .exited(130), "\(result)")
    #expect(
      result.errors == "qdedup: interrupted; only a part of the disk has gone to standard output\n")
  }
}
