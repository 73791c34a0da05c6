import SystemPackage
import TestSupport
import Testing

/// The input's files among others: who holds them, and what must not replace them.
@Suite struct QCOW2InputUseTests {
  static let permission = ["--allow-external-files"]
  let workspace: Workspace
  var output: FilePath { workspace.output }
  var image: FilePath { workspace.folder.file("image.qcow2") }
  var base: FilePath { workspace.folder.file("base.qcow2") }
  var data: FilePath { workspace.folder.file("image.data") }

  /// `image.qcow2`, with its data in `image.data`, over `base.qcow2`.
  init() throws {
    workspace = try Workspace()
    let made = try QemuImage.creating(workspace.folder.file("base.qcow2"), size: 1 << 20)
    try made.performAll(GuestWrites.random(count: 20, size: 1 << 20, seed: 351))
    let top = try QemuImage.overlay(
      workspace.folder.file("image.qcow2"), over: "base.qcow2", format: "qcow2",
      options: "data_file=\(workspace.folder.file("image.data"))")
    try top.performAll(GuestWrites.random(count: 20, size: 1 << 20, seed: 352))
  }

  private func path(_ name: String) -> FilePath { workspace.folder.file(name) }

  @Test(
    "No file of the chain is replaced by the output",
    arguments: ["image.qcow2", "base.qcow2", "image.data"], ["itself", "symbolic", "hard"])
  func noFileOfChainIsReplacedByOutput(name: String, kind: String) throws {
    let before = try ["image.qcow2", "base.qcow2", "image.data"].map { try RawImage.read(path($0)) }
    let target = kind == "itself" ? path(name) : path("other-name")
    if kind != "itself" {
      let option = kind == "symbolic" ? ["-s"] : []
      try Command("ln", option + [path(name).string, target.string]).run().expectingExit(0)
    }
    for options in [[], ["--force"], ["--force", "-U"]] {
      let result = try workspace.run(
        Self.permission + options, from: image.string, to: target)
      try expectRefusal(result, naming: target.string, leaving: workspace)
    }
    let after = try ["image.qcow2", "base.qcow2", "image.data"].map { try RawImage.read(path($0)) }
    #expect(after == before)
  }

  @Test(
    "No file of the chain is replaced by the report",
    arguments: ["image.qcow2", "base.qcow2", "image.data"])
  func noFileOfChainIsReplacedByReport(name: String) throws {
    let before = try RawImage.read(path(name))
    let result = try workspace.run(
      Self.permission + ["--report-file", path(name).string], from: image.string)
    #expect([1, 64].contains(result.exitCode), "\(result)")
    #expect(result.errors.contains(path(name).string), "\(result)")
    #expect(try RawImage.read(path(name)) == before)
    #expect(try workspace.outputNames() == [])
  }

  @Test("An image that a running machine writes is refused unless the user insists")
  func imageThatRunningMachineWritesIsRefusedUnlessUser() throws {
    let alone = path("alone.qcow2")
    let made = try QemuImage.creating(alone, size: 1 << 20)
    try made.performAll(GuestWrites.random(count: 20, size: 1 << 20, seed: 353))
    let theirs = path("theirs.img")
    try made.writeRaw(to: theirs)
    let machine = try made.openedByRunningMachine()
    let result = try workspace.run(from: alone.string)
    try expectRefusal(result, naming: alone.string, "force-share", leaving: workspace)
    try workspace.convert(["-U"], from: alone.string)
    try expectSound(output, equals: theirs)
    try workspace.convert(["--force-share", "--force"], from: alone.string)
    try machine.endInput()
    try machine.wait().expectingExit(0)
    try expectSound(output, equals: theirs)
  }

  @Test(
    "A file below that a running machine writes is refused unless the user insists",
    arguments: [("base.qcow2", "qcow2"), ("image.data", "raw")])
  func fileBelowThatRunningMachineWritesIsRefusedUnless(
    name: String, format: String
  ) throws {
    let machine = try QemuImage(path(name), format: format).openedByRunningMachine()
    let result = try workspace.run(Self.permission, from: image.string)
    try expectRefusal(result, naming: name, "force-share", leaving: workspace)
    try workspace.convert(Self.permission + ["-U"], from: image.string)
    try machine.endInput()
    try machine.wait().expectingExit(0)
  }

  @Test("A running machine may use the same backing file")
  func runningMachineMayUseSameBackingFile() throws {
    let other = path("other.qcow2")
    let machine = try QemuImage.overlay(other, over: "base.qcow2", format: "qcow2")
      .openedByRunningMachine()
    try workspace.convert(Self.permission, from: image.string)
    try machine.endInput()
    try machine.wait().expectingExit(0)
  }

  @Test("An input that nobody may write to is read")
  func inputThatNobodyMayWriteToIsRead() throws {
    let theirs = path("theirs.img")
    try QemuImage(image).writeRaw(to: theirs)
    try Command("chmod", ["400"] + [image, base, data].map(\.string)).run().expectingExit(0)
    try workspace.convert(Self.permission, from: image.string)
    try expectSound(output, equals: theirs)
  }
}
