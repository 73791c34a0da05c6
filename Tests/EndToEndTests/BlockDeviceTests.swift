import SystemPackage
import TestSupport
import Testing

/// Block devices as input. Needs root and loop devices; where they are missing the tests say so.
@Suite(.enabled(if: LoopDevice.worksHere, "needs root and a free loop device"))
struct BlockDeviceTests {
  let workspace: Workspace
  var input: FilePath { workspace.input }
  var output: FilePath { workspace.output }

  init() throws { workspace = try Workspace() }

  @Test("A block device is read like its file")
  func blockDeviceIsReadLikeFileBehindIt() throws {
    let mixture = RawImage.mixture(clusters: 1200, size: 4096, kinds: 50, seed: 121)
    let odd = RawImage.noise(count: 512 * 3, seed: 122)
    try RawImage.write(mixture + odd, to: input)
    let report = try LoopDevice.with(input) { device in
      let report = try workspace.convert(from: device)
      #expect(report.input.path == device)
      return report
    }
    let walker = try expectSound(output, equals: input)
    #expect(walker.header.virtualSize == 1200 * 4096 + 1536)
    let fromFile = workspace.folder.file("file.qcow2")
    #expect(try workspace.convert(to: fromFile).clusters.unique == report.clusters.unique)
  }

  @Test("A block device is described as what it is")
  func blockDeviceIsDescribedAsWhatItIs() throws {
    try RawImage.write(RawImage.noise(count: 1 << 20, seed: 124), to: input)
    let file = workspace.folder.file("info.json")
    let text = try LoopDevice.with(input) { device in
      let json = try Command.qdedup(["info", "--json", device]).run().expectingExit(0)
      try RawImage.write(json.standardOutput, to: file)
      return try Command.qdedup(["info", device]).run().expectingExit(0).output
    }
    try expectValid(file, schema: "InfoSchema.json")
    #expect(text.contains("  device        1 MiB\n") && !text.contains("on disk"), "\(text)")
  }

  @Test("A device node is never replaced by an output of its name")
  func deviceNodeIsNeverReplacedByOutputOfItsName() throws {
    try RawImage.write(RawImage.noise(count: 1 << 20, seed: 123), to: input)
    // A node of its own in the test's folder: if this goes wrong no real device is lost.
    let node = workspace.outputFolder.appending("node")
    try Command("mknod", [node.string, "b", "7", "250"]).run().expectingExit(0)
    let result = try workspace.run(["--force"], to: node)
    #expect(result.exitCode == 1, "\(result)")
    #expect(result.errors.contains("qdedup export --force FILE \(node)"), "\(result)")
    try Command("test", ["-b", node.string]).run().expectingExit(0)
    #expect(try workspace.outputNames() == ["node"])
  }
}
