import Foundation
import SystemPackage
import TestSupport
import Testing

/// Progress, for programs and on terminals.
@Suite struct ProgressTests {
  let workspace: Workspace

  init() throws {
    workspace = try Workspace()
    try RawImage.write(RawImage.noise(count: 4_000_000, seed: 161), to: workspace.input)
  }

  private struct Line: Decodable {
    let phase: String
    let processed: UInt64
    let total: UInt64?

    enum CodingKeys: String, CodingKey {
      case phase, processed = "processed_bytes", total = "total_bytes"
    }
  }

  private func lines(_ result: CommandResult) throws -> [Line] {
    let lines = result.errors.split(separator: "\n")
    #expect(lines.allSatisfy { $0.contains("\"total_bytes\":") }, "null is written too: \(result)")
    return try lines.map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
  }

  @Test("The last line of JSON is done with all of the disk")
  func lastLineOfJSONIsDoneWithAllOfDisk() throws {
    let lines = try lines(try workspace.run(["--progress", "json"]).expectingExit(0))
    let last = try #require(lines.last)
    #expect(last.phase == "done" && last.processed == 4_000_256 && last.total == 4_000_256)
  }

  @Test("The end of a pipe is the end of what is known of it")
  func endOfPipeIsEndOfWhatIsKnownOfIt() throws {
    var command = try workspace.conversion(["--progress", "json", "--report", "none"], from: "-")
    command.input = .heldPipe
    let conversion = try command.start()
    try conversion.send(RawImage.noise(count: 1 << 20, seed: 162))
    #expect(try conversion.waitUntil { try conversion.errorsSoFar().contains("converting") })
    try conversion.endInput()
    let lines = try lines(try conversion.wait().expectingExit(0))
    let last = try #require(lines.last)
    #expect(last.phase == "done" && last.processed == 1 << 20 && last.total == 1 << 20)
    #expect(lines.contains { $0.phase == "converting" })
    #expect(lines.allSatisfy { $0.phase == "done" || $0.total == nil })
  }

  @Test("An empty disk is done too")
  func emptyDiskIsDoneToo() throws {
    try QemuImage.run(["create", "-f", "qcow2", workspace.input.string, "0"]).expectingExit(0)
    let lines = try lines(try workspace.run(["--progress", "json"]).expectingExit(0))
    let last = try #require(lines.last)
    #expect(last.phase == "done" && last.processed == 0 && last.total == 0)
  }

  @Test("What is asked for is said although quiet")
  func whatIsAskedForIsSaidAlthoughQuiet() throws {
    let json = try workspace.run(["-q", "--report", "json"]).expectingExit(0)
    #expect(try Report(json: json.standardOutput).command == "convert")
    #expect(json.errors == "")
    let progress = try workspace.run(["-q", "--progress", "json", "--force"]).expectingExit(0)
    #expect(progress.output == "")
    #expect(try lines(progress).last?.phase == "done")
  }

  /// What a conversion of some hundred milliseconds shows on a terminal of 40 columns.
  private func shown(_ environment: [String: String]) throws -> String {
    try RawImage.write(RawImage.noise(count: 48 << 20, seed: 163), to: workspace.input)
    let words = [
      try BuiltProgram.qdedup().string, "convert", workspace.input.string, workspace.output.string,
    ].map { "'\($0)'" }.joined(separator: " ")
    let line =
      "stty cols 40; \(words) -c --cluster-size 4K --compression-level 9 --threads 1 --report none"
    var command = Command("script", ["-qec", line, "/dev/null"])
    command.environment = environment.merging(["SHELL": "/bin/sh"]) { own, _ in own }
    return try command.run().expectingExit(0).output
  }

  @Test("A terminal that cannot redraw a line has no bar", arguments: ["dumb", ""])
  func terminalThatDrawsNoLineAnewHasNoBar(kind: String) throws {
    #expect(try shown(["TERM": kind]) == "")
  }

  @Test(
    "The bar fits its line, and the locale",
    arguments: [
      ("C", "", "", false), ("", "POSIX", "de_DE.UTF-8", false), ("", "", "", false),
      ("", "", "en_US.UTF-8", true), ("C.utf8", "C", "C", true),
    ])
  func barFitsItsLine(
    all: String, type: String, lang: String, takesUTF8: Bool
  ) throws {
    let text = try shown(["TERM": "xterm", "LC_ALL": all, "LC_CTYPE": type, "LANG": lang])
    let drawings = text.replacing("\r\u{1B}[K", with: "\n").split(separator: "\n")
    #expect(drawings.isEmpty == false)
    #expect(drawings.allSatisfy { $0.count < 40 }, "\(drawings)")
    let signs: [Character] = takesUTF8 ? ["█", "░"] : ["#", "."]
    #expect(drawings.contains { signs.contains($0.last ?? " ") }, "\(drawings)")
    #expect(text.allSatisfy(\.isASCII) == !takesUTF8)
  }

  @Test("The report's own signs fit the locale")
  func reportOwnSignsFitLocale() throws {
    var command = try workspace.conversion(["--force"])
    command.environment = ["LC_ALL": "C"]
    let plain = try command.run().expectingExit(0).output
    #expect(plain.hasPrefix("\(workspace.input) -> \(workspace.output)\n"))
    command.environment = ["LC_ALL": "C.UTF-8"]
    let rich = try command.run().expectingExit(0).output
    #expect(rich.hasPrefix("\(workspace.input) → \(workspace.output)\n"))
  }
}
