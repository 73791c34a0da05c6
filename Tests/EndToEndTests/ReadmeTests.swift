import Foundation
import SystemPackage
import TestSupport
import Testing

/// What the README shows works as it is shown.
@Suite struct ReadmeTests {
  let workspace: Workspace

  init() throws { workspace = try Workspace() }

  /// The lines of the first block of commands under a heading.
  private static func commands(under heading: String) throws -> [String] {
    let lines = try text().split(separator: "\n", omittingEmptySubsequences: false)
    let block = lines.drop { $0 != heading }.drop { $0 != "```sh" }.dropFirst()
    return block.prefix { $0 != "```" }.map(String.init)
  }

  private static func text() throws -> String {
    var root = FilePath(#filePath)
    for _ in 0..<3 { root.removeLastComponent() }
    return try String(contentsOfFile: root.appending("README.md").string, encoding: .utf8)
  }

  /// The files that the commands name, in the workspace's folder.
  private func makeInputs() throws {
    let folder = workspace.folder
    for name in ["disk.img", "huge.img"] {
      try RawImage.write(RawImage.noise(count: 1 << 20, seed: 181), to: folder.file(name))
    }
    try Command("zstd", ["-q", folder.file("disk.img").string]).run().expectingExit(0)
    let machine = folder.file("vm.qcow2")
    _ = try QemuImage.creating(machine, size: 1 << 20)
    try QemuImage.run(["snapshot", "-c", "before-update", machine.string]).expectingExit(0)
    _ = try QemuImage.overlay(folder.file("overlay.qcow2"), over: "disk.img", format: "raw")
  }

  @Test("The commands under One image run one after the other")
  func oneImage() throws {
    try makeInputs()
    let commands = try Self.commands(under: "## One image").filter { !$0.contains("/dev/") }
    #expect(commands.count > 10)
    try run(commands)
    let outputs = try TemporaryDirectory.names(in: workspace.folder.path).filter {
      $0.hasSuffix(".qcow2")
    }
    #expect(outputs.count >= 10, "\(outputs)")
  }

  @Test("The commands under Sets of images run one after the other")
  func sets() throws {
    for (name, seed) in [("monday.img", 182), ("tuesday.img", 183)] as [(String, UInt64)] {
      try RawImage.write(
        RawImage.noise(count: 1 << 20, seed: 181) + RawImage.noise(count: 1 << 20, seed: seed),
        to: workspace.folder.file(name))
    }
    let commands = try Self.commands(under: "## Sets of images")
    #expect(commands.count > 5)
    try run(commands)
    let file = workspace.folder.file("golden.qcow2")
    try QemuImage(file).check().expectingExit(0)
    try QemuImage.run([
      "compare", workspace.folder.file("monday.img").string, file.string,
    ]).expectingExit(0)
  }

  @Test("The line for another format runs")
  func otherFormat() throws {
    let disk = workspace.folder.file("disk.img")
    try RawImage.write(RawImage.noise(count: 1 << 20, seed: 184), to: disk)
    _ = try QemuImage.converting(
      raw: disk, to: workspace.folder.file("disk.vmdk"), format: "vmdk")
    let lines = try Self.commands(under: "### Other formats")
    #expect(lines.count == 3)
    try run([lines[0]])
    try expectSound(workspace.folder.file("from-vmdk.qcow2"), equals: disk)
  }

  @Test("No line of the README is longer than 400 characters")
  func lines() throws {
    let long = try Self.text().split(separator: "\n").filter { $0.count >= 400 }
    #expect(long == [])
  }

  /// Runs lines for a shell in the workspace's folder, with this program as `qdedup`.
  private func run(_ commands: [String]) throws {
    let program = try BuiltProgram.qdedup().removingLastComponent().string
    let script = "set -e; PATH=$1:$PATH; cd \"$2\"\n" + commands.joined(separator: "\n")
    let arguments = ["-c", script, "bash", program, workspace.folder.path.string]
    try Command("bash", arguments).run().expectingExit(0)
  }
}
