import SystemPackage
import TestSupport
import Testing

/// Internal snapshots: `-l` shows the disk as it was, in the size that it had.
@Suite struct QCOW2InputSnapshotTests {
  let workspace: Workspace
  var output: FilePath { workspace.output }
  var image: FilePath { workspace.folder.file("image.qcow2") }

  init() throws { workspace = try Workspace() }

  /// Makes an image with the snapshots `old` (1) and `newer one` (2), which is larger, written to
  /// between them and afterwards.
  private func makeImage(_ options: String) throws -> QemuImage {
    let made = try QemuImage.creating(image, size: 1 << 20, options: options)
    let isVersion2 = options.contains("compat=0.10")
    try made.performAll(GuestWrites.random(count: 40, size: 1 << 20, seed: 321))
    try made.takeSnapshot("old")
    if !isVersion2 { try made.resize(to: 3 << 20) }
    let size = isVersion2 ? 1 << 20 : 3 << 20
    try made.performAll(GuestWrites.random(count: 40, size: size, seed: 322))
    try made.takeSnapshot("newer one")
    try made.performAll(GuestWrites.random(count: 40, size: size, seed: 323))
    return made
  }

  @Test(
    "Each snapshot, by name and by id, and the disk itself are read right",
    arguments: [
      "cluster_size=512", "cluster_size=4K", "cluster_size=64K", "compat=0.10",
      "extended_l2=on,cluster_size=16K", "cluster_size=4K,refcount_bits=64",
    ])
  func eachSnapshot(
    options: String
  ) throws {
    let made = try makeImage(options)
    let theirs = workspace.folder.file("theirs.img")
    for snapshot in [nil, "old", "1", "newer one", "2"] {
      try made.writeRaw(to: theirs, snapshot: snapshot)
      let chosen = snapshot.map { ["-l", $0] } ?? []
      try workspace.convert(chosen + ["--force"], from: image.string)
      try expectSound(output, equals: theirs)
      #expect(try QemuImage(output).info().virtualSize == UInt64(RawImage.size(of: theirs)))
    }
  }

  @Test("The long option is the same, and no snapshot comes into the output")
  func longOptionIsSame() throws {
    _ = try makeImage("cluster_size=4K")
    try workspace.convert(["-l", "old"], from: image.string)
    let again = workspace.folder.file("again.qcow2")
    try workspace.convert(["--snapshot", "old", "--verify"], from: image.string, to: again)
    #expect(try RawImage.read(again) == RawImage.read(output))
    #expect(try QemuImage.run(["snapshot", "-l", output.string]).expectingExit(0).output == "")
  }

  @Test("What does not come into the output is said, and nothing of an output is missing")
  func whatDoesNotComeIntoOutputIsSaid()
    throws
  {
    _ = try makeImage("cluster_size=4K")
    func notes(_ options: [String], from file: FilePath) throws -> [String] {
      try workspace.convert(options + ["-c", "--cluster-size", "4K", "--force"], from: file.string)
        .warnings
    }
    #expect(
      try notes([], from: image) == [
        "2 internal snapshots are not part of the output; -l NAME converts one"
      ])
    let rest = "1 other internal snapshot is not part of the output; -l NAME converts one"
    #expect(try notes(["-l", "old"], from: image) == [rest])
    let text = try workspace.run(["-l", "2", "--force"], from: image.string).expectingExit(0)
    #expect(text.output.contains("\nnote: \(rest)\n"), "\(text)")
    #expect(try notes(["-f", "raw"], from: image) == [])
    let again = workspace.folder.file("again.qcow2")
    try workspace.convert(from: output.string, to: again)
    #expect(try notes([], from: again) == [])
    try QemuImage.run(["snapshot", "-d", "old", image.string]).expectingExit(0)
    #expect(try notes(["-l", "2"], from: image) == [])
    try QemuImage.run(["bitmap", "--add", image.string, "a"]).expectingExit(0)
    try QemuImage.run(["bitmap", "--add", image.string, "b"]).expectingExit(0)
    #expect(try notes(["-l", "2"], from: image) == ["2 bitmaps are not part of the output"])
  }

  @Test("An unknown header extension is not part of the output, and that is said")
  func unknownHeaderExtensionIsNotPartOfOutput() throws {
    try Fixtures.unpack(["unknown-extension.qcow2"], into: workspace.folder.path)
    let other = workspace.folder.file("unknown-extension.qcow2")
    #expect(
      try workspace.convert(["-c", "--cluster-size", "4K"], from: other.string).warnings == [
        "1 unknown header extension is not part of the output (0xbadcafe)"
      ])
  }

  @Test(
    "A snapshot that is not there is refused", arguments: ["nobody", "0", "3", "", "OLD", "newer"])
  func snapshotThatIsNotThereIsRefused(name: String) throws {
    _ = try makeImage("cluster_size=4K")
    let result = try workspace.run(["-l", name], from: image.string)
    if name.isEmpty {
      #expect([1, 64].contains(result.exitCode), "\(result)")
      #expect(try workspace.outputNames() == [])
    } else {
      try expectRefusal(
        result, naming: image.string, "snapshot", name, leaving: workspace)
    }
  }

  @Test("An image without snapshots, and a raw one, have none to convert")
  func imageWithoutSnapshots() throws {
    _ = try QemuImage.creating(image, size: 1 << 20)
    try expectRefusal(
      try workspace.run(["-l", "old"], from: image.string), naming: image.string, "snapshot",
      leaving: workspace)
    try RawImage.write(RawImage.noise(count: 5000, seed: 324), to: workspace.input)
    for options in [["-l", "old"], ["-l", "1", "-f", "raw"]] {
      let result = try workspace.run(options)
      #expect([1, 64].contains(result.exitCode), "\(result)")
      #expect(result.errors.contains("snapshot"), "\(result)")
      #expect(try workspace.outputNames() == [])
    }
  }

  @Test("A snapshot of an overlay shows the backing file where it had no data")
  func snapshotOfOverlayShowsBackingFileWhereItHad() throws {
    let base = try QemuImage.creating(workspace.folder.file("base.qcow2"), size: 1 << 20)
    try base.performAll(GuestWrites.random(count: 40, size: 1 << 20, seed: 325))
    let made = try QemuImage.overlay(
      image, over: "base.qcow2", format: "qcow2", options: "cluster_size=4K")
    try made.performAll(GuestWrites.random(count: 10, size: 1 << 20, seed: 326))
    try made.takeSnapshot("old")
    try made.performAll(GuestWrites.random(count: 40, size: 1 << 20, seed: 327))
    let theirs = workspace.folder.file("theirs.img")
    try made.writeRaw(to: theirs, snapshot: "old")
    try workspace.convert(["-l", "old", "--allow-external-files"], from: image.string)
    try expectSound(output, equals: theirs)
  }
}
