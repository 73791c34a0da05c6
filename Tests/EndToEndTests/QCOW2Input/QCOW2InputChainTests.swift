import SystemPackage
import TestSupport
import Testing

/// Overlays: with permission, what they do not hold comes from their backing files.
@Suite struct QCOW2InputChainTests {
  static let permission = ["--allow-external-files"]
  let workspace: Workspace
  var output: FilePath { workspace.output }
  var image: FilePath { workspace.folder.file("image.qcow2") }
  var base: FilePath { workspace.folder.file("base") }

  init() throws { workspace = try Workspace() }

  /// Converts `image` and compares the output with what QEMU reads from it.
  private func expectReadRight(sourceLocation: SourceLocation = #_sourceLocation) throws {
    let theirs = workspace.folder.file("theirs.img")
    try QemuImage(image).writeRaw(to: theirs)
    try workspace.convert(Self.permission, from: image.string)
    try expectSound(output, equals: theirs, sourceLocation: sourceLocation)
  }

  /// Makes a backing file of this format with a mixture of clusters.
  private func makeBase(_ format: String, clusters: Int = 400) throws {
    let raw = workspace.folder.file("base.raw")
    try RawImage.write(
      RawImage.mixtureWithTexts(clusters: clusters, size: 4096, seed: 331), to: raw)
    switch format {
    case "raw": try Command("mv", [raw.string, base.string]).run().expectingExit(0)
    default:
      _ = try ImageVariant("cluster_size=4K", compressed: true).make(from: raw, at: base)
    }
  }

  @Test(
    "An overlay is read right", arguments: ["raw", "qcow2"],
    [
      "cluster_size=512", "cluster_size=4K", "cluster_size=64K", "cluster_size=64K,compat=0.10",
      "cluster_size=16K,extended_l2=on", "cluster_size=64K,extended_l2=on",
    ])
  func overlayIsReadRight(format: String, options: String) throws {
    try makeBase(format)
    let made = try QemuImage.overlay(image, over: "base", format: format, options: options)
    try made.performAll(GuestWrites.random(count: 80, size: 400 << 12, seed: 332))
    try expectReadRight()
  }

  @Test(
    "An overlay shorter or longer than its backing file is read right",
    arguments: ["raw", "qcow2"], [100_352, 1_638_400, 1_638_912, 9 << 20])
  func overlayShorterOrLongerThanItsBackingFileIsRead(
    format: String, size: Int
  ) throws {
    try makeBase(format)
    let made = try QemuImage.overlay(image, over: "base", format: format, size: size)
    try made.performAll(GuestWrites.random(count: 20, size: size, seed: 333))
    try expectReadRight()
    #expect(try QemuImage(output).info().virtualSize == UInt64(size))
  }

  @Test("A chain of four files of growing and shrinking disks is read right")
  func chainOfFourFilesOfGrowingAndShrinkingDisksIsRead() throws {
    try makeBase("raw", clusters: 500)
    var below = ("base", "raw")
    for (number, size) in [1 << 20, 3 << 20, 2 << 20].enumerated() {
      let name = number == 2 ? "image.qcow2" : "level\(number)"
      let made = try QemuImage.overlay(
        workspace.folder.file(name), over: below.0, format: below.1, size: size,
        options: "cluster_size=\(4 << number)K")
      try made.performAll(
        GuestWrites.random(count: 30, size: size, seed: 334 + UInt64(number)))
      below = (name, "qcow2")
    }
    try expectReadRight()
  }

  /// Each layer has its compressed cluster at the same place of its file, and all of a size and
  /// method are restored in the same memory.
  @Test("Compressed clusters of many layers are told apart and take little memory")
  func compressedClustersOfManyLayersAreToldApart() throws {
    let (layers, clusterSize) = (24, 2 << 20)
    try RawImage.equal(at: base, count: layers * clusterSize, byte: 1)
    var below = ("base", "raw")
    for layer in 0..<layers {
      let name = layer == layers - 1 ? "image.qcow2" : "level\(layer)"
      let made = try QemuImage.overlay(
        workspace.folder.file(name), over: below.0, format: below.1,
        options: "cluster_size=2M,compression_type=\(layer % 2 == 0 ? "zlib" : "zstd")")
      try made.perform("write -c -P \(layer + 2) \(layer * clusterSize) \(clusterSize)")
      below = (name, "qcow2")
    }
    try expectReadRight()
    var command = try workspace.conversion(
      Self.permission + ["--force", "--threads", "4"], from: image.string)
    command.watchesMemory = true
    let peak = try command.run().expectingExit(0).peakMemory
    #expect(peak <= 100 << 20, "\(peak) bytes")
  }

  @Test("Names are taken from the folder of the image that has them")
  func namesAreTakenFromFolderOfImageThatHasThem() throws {
    let (upper, lower) = (
      try workspace.folder.makeDirectory("upper"), try workspace.folder.makeDirectory("lower")
    )
    let deep = try workspace.folder.makeDirectory("lower/deep")
    try RawImage.write(RawImage.noise(count: 1 << 20, seed: 337), to: deep.appending("base"))
    let middle = lower.appending("middle")
    _ = try QemuImage.overlay(middle, over: "deep/base", format: "raw")
    let top = upper.appending("top")
    let made = try QemuImage.overlay(top, over: "../lower/middle", format: "qcow2")
    try made.perform("write -P 5 70000 70000")
    let theirs = workspace.folder.file("theirs.img")
    try made.writeRaw(to: theirs)
    try workspace.convert(Self.permission, from: top.string)
    try expectSound(output, equals: theirs)
    let program = try BuiltProgram.qdedup().string
    let again = workspace.folder.file("again.qcow2")
    let arguments = [program, "convert"] + Self.permission + ["upper/top", again.string]
    try Command.shell("cd \"$1\"; shift; exec \"$@\"", [workspace.folder.path.string] + arguments)
      .run().expectingExit(0)
    #expect(try RawImage.read(again) == RawImage.read(output))
  }

  @Test(
    "An absolute name, and one with anything in it, is followed",
    arguments: ["base", "ba se", "Größe", "file:base", "a:b"])
  func absoluteName(name: String) throws {
    let absolute = workspace.folder.file(name)
    try RawImage.write(RawImage.noise(count: 1 << 20, seed: 338), to: absolute)
    let made = try QemuImage.creating(
      image, size: 1 << 20, ["-u", "-b", absolute.string, "-F", "raw"])
    try made.perform("write -P 5 70000 70000")
    try expectReadRight()
  }

  @Test("An overlay of one that has permission needs it for each file, and names the first")
  func overlayOfOneThatHasPermissionNeedsItForEachFile()
    throws
  {
    try makeBase("raw")
    let middle = workspace.folder.file("middle")
    _ = try QemuImage.overlay(middle, over: "base", format: "raw")
    _ = try QemuImage.overlay(image, over: "middle", format: "qcow2")
    try expectRefusal(
      try workspace.run(from: image.string), naming: image.string, "middle",
      Self.permission[0], leaving: workspace)
    try Command("rm", [base.string]).run().expectingExit(0)
    try expectRefusal(
      try workspace.run(Self.permission, from: image.string), naming: "base", "no such file",
      leaving: workspace)
  }

  @Test("A loop of three files is refused")
  func loopOfThreeFilesIsRefused() throws {
    for (name, next) in [("a", "b"), ("b", "c"), ("c", "a")] {
      _ = try QemuImage.creating(
        workspace.folder.file(name), size: 1 << 20, ["-u", "-b", next, "-F", "qcow2"])
    }
    try expectRefusal(
      try workspace.run(Self.permission, from: workspace.folder.file("a").string), naming: "/a",
      leaving: workspace)
  }

  @Test("A hundred files in a chain are read or refused, never a crash")
  func hundredFilesInChainAreReadOrRefused() throws {
    _ = try QemuImage.creating(workspace.folder.file("level0"), size: 65536)
    try QemuImage(workspace.folder.file("level0")).perform("write -P 3 0 65536")
    for level in 1...100 {
      let below = "level\(level - 1)"
      _ = try QemuImage.creating(
        workspace.folder.file("level\(level)"), size: 65536,
        ["-u", "-b", below, "-F", "qcow2"])
    }
    let top = workspace.folder.file("level100")
    let result = try workspace.run(Self.permission, from: top.string)
    if result.exitCode == 0 {
      try RawImage.equal(at: workspace.input, count: 65536, byte: 3)
      try expectSound(output, equals: workspace.input)
    } else {
      try expectRefusal(result, naming: top.string, leaving: workspace)
    }
  }
}
