import SystemPackage
import TestSupport
import Testing

/// The output depends on the disk alone, not on the format that it came in.
@Suite struct QCOW2InputSameBytesTests {
  let workspace: Workspace
  var input: FilePath { workspace.input }
  var image: FilePath { workspace.folder.file("image.qcow2") }

  init() throws {
    workspace = try Workspace()
    let half = RawImage.mixtureWithTexts(clusters: 700, size: 4096, seed: 361)
    let update = RawImage.mixture(clusters: 300, size: 4096, kinds: 40, seed: 362)
    let hole = [UInt8](repeating: 0, count: 3 << 20)
    try RawImage.write(half + hole + half.dropLast(500_000) + update, to: workspace.input)
  }

  /// Makes the disk in one of the formats, at `image`, and gives the options that it needs.
  private func make(_ kind: String) throws -> [String] {
    switch kind {
    case "overlay":
      var older = try RawImage.read(input)
      let update = 100 << 10..<900 << 10
      let patch = try workspace.folder.make("patch", Array(older[update]))
      older.replaceSubrange(update, with: RawImage.noise(count: update.count, seed: 363))
      let raw = try workspace.folder.make("older.img", older)
      let base = workspace.folder.file("base.qcow2")
      _ = try ImageVariant("cluster_size=64K", compressed: true).make(from: raw, at: base)
      try QemuImage.overlay(image, over: "base.qcow2", format: "qcow2")
        .performAll(["write -s \(patch.string) \(update.lowerBound) \(update.count)"])
      return ["--allow-external-files"]
    case "guest":
      let made = try QemuImage.creating(image, size: Int(try RawImage.size(of: input)))
      try made.performAll(["write -s \(input.string) 0 \(try RawImage.size(of: input))"])
      return []
    default:
      let isCompressed = kind.contains("compression_type")
      _ = try ImageVariant(kind, compressed: isCompressed).make(from: input, at: image)
      return []
    }
  }

  @Test(
    "The same output bytes as from the raw disk",
    arguments: [
      "cluster_size=64K", "cluster_size=4K", "compression_type=zlib",
      "compression_type=zstd,cluster_size=4K", "extended_l2=on", "preallocation=full", "overlay",
      "guest",
    ],
    [
      [], ["--cluster-size", "64K"], ["-c"], ["-c", "--compression-type", "zstd"],
      ["--log-store-order", "4", "--max-incarnations", "3"],
    ])
  func sameOutputBytesAsFromRawDisk(kind: String, options: [String]) throws {
    try workspace.convert(options)
    let needed = try make(kind)
    let fromImage = workspace.folder.file("from-image.qcow2")
    try workspace.convert(options + needed, from: image.string, to: fromImage)
    #expect(try RawImage.read(fromImage) == RawImage.read(workspace.output))
    try QemuImage(fromImage).check().expectingExit(0)
  }

  @Test(
    "An output, converted again, gives itself",
    arguments: [
      [], ["--cluster-size", "64K"], ["-c"], ["-c", "--compression-type", "zstd"],
      ["--log-store-order", "4", "--max-incarnations", "3"],
    ])
  func outputConvertedAgainGivesItself(options: [String]) throws {
    try workspace.convert(options)
    try expectSound(workspace.output, equals: input)
    let again = workspace.folder.file("again.qcow2")
    try workspace.convert(options, from: workspace.output.string, to: again)
    #expect(try RawImage.read(again) == RawImage.read(workspace.output))
  }

  @Test("Any number of threads gives the same bytes", arguments: ["1", "2", "7"])
  func anyNumberOfThreadsGivesSameBytes(threads: String) throws {
    let variant = ImageVariant("compression_type=zstd,cluster_size=64K", compressed: true)
    _ = try variant.make(from: input, at: image)
    try workspace.convert(["--threads", threads], from: image.string)
    let fromRaw = workspace.folder.file("from-raw.qcow2")
    try workspace.convert(to: fromRaw)
    #expect(try RawImage.read(fromRaw) == RawImage.read(workspace.output))
  }
}
