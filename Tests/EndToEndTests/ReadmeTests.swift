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
    var root = FilePath(#filePath)
    for _ in 0..<3 { root.removeLastComponent() }
    let text = try String(contentsOfFile: root.appending("README.md").string, encoding: .utf8)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    let block = lines.drop { $0 != heading }.drop { $0 != "```sh" }.dropFirst()
    return block.prefix { $0 != "```" }.map(String.init)
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

  @Test("The commands under Use run one after the other")
  func commandsUnderUseRunOneAfterOther() throws {
    try makeInputs()
    let commands = try Self.commands(under: "## Use").filter { !$0.contains("/dev/") }
    #expect(commands.count > 10)
    let program = try BuiltProgram.qdedup().removingLastComponent().string
    let script = "set -e; PATH=$1:$PATH; cd \"$2\"\n" + commands.joined(separator: "\n")
    let arguments = ["-c", script, "bash", program, workspace.folder.path.string]
    try Command("bash", arguments).run().expectingExit(0)
    let outputs = try TemporaryDirectory.names(in: workspace.folder.path).filter {
      $0.hasSuffix(".qcow2")
    }
    #expect(outputs.count >= 10, "\(outputs)")
  }
}
