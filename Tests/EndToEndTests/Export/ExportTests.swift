import SystemPackage
import TestSupport
import Testing

/// `qdedup export` to a file.
@Suite("Export to a file") struct ExportTests {
  let workspace: Workspace
  var input: FilePath { workspace.input }
  var disk: FilePath { workspace.disk }

  init() throws {
    workspace = try Workspace()
    try workspace.makeDisk(seed: 401)
  }

  @Test(
    "The disk comes back byte for byte and sparse, whatever the image",
    arguments: [
      [], ["--cluster-size", "512"], ["--cluster-size", "2M"],
      ["-c", "--compression-type", "zstd"], ["-c", "--cluster-size", "64K"],
      ["-c", "--compression-type", "zstd", "--cluster-size", "2M"],
    ])
  func ownImages(options: [String]) throws {
    try workspace.convert(options)
    let report = try workspace.export(["--verify"], workspace.output)
    #expect(try RawImage.read(disk) == RawImage.read(input))
    #expect(report.verified && report.output.kind == "file")
    #expect(report.bytes.total == 40 << 20 + 2048)
    #expect(report.bytes.written + report.bytes.zeros == report.bytes.total)
    // A quarter of the mixture is zeros. Where they fill blocks of 4 KiB they are holes too; the
    // second mixture is not aligned.
    let data = 2 * 500 * 4096
    #expect(report.bytes.written < data * 9 / 10)
    #expect(try allocatedBytes(of: disk) < data * 9 / 10)
    #expect(try report.output.allocatedBytes == UInt64(allocatedBytes(of: disk)))
  }

  @Test(
    "Images of QEMU are read as convert reads them",
    arguments: [
      ImageVariant("compat=0.10"), ImageVariant("extended_l2=on,cluster_size=16K"),
      ImageVariant("compression_type=zstd,cluster_size=4K", compressed: true),
      ImageVariant("cluster_size=2M", compressed: true),
    ])
  func foreignImages(variant: ImageVariant) throws {
    let image = try variant.make(from: input, at: workspace.folder.file("image.qcow2"))
    try workspace.export([], image.path)
    #expect(try RawImage.read(disk) == RawImage.read(input))
  }

  @Test("A raw image is copied, with holes for its zeros", arguments: ["1", "2", "7"])
  func rawImages(threads: String) throws {
    try RawImage.write(RawImage.read(input) + [1, 2, 3], to: input)
    try workspace.export(["--threads", threads], input)
    let expected = try RawImage.read(input) + [UInt8](repeating: 0, count: 509)
    #expect(try RawImage.read(disk) == expected, "rounded up to whole sectors, as QEMU does")
    #expect(try allocatedBytes(of: disk) < 5 << 20)
  }

  @Test("An overlay needs permission, and then shows its backing file")
  func overlays() throws {
    let image = workspace.folder.file("overlay.qcow2")
    let overlay = try QemuImage.overlay(image, over: "in.img", format: "raw")
    try overlay.perform("write -P 7 1M 100k")
    try expectRefusal(
      try workspace.exportCommand([], image).run(), naming: "in.img", "--allow-external-files",
      leaving: workspace)
    try workspace.export(["--allow-external-files"], image)
    var expected = try RawImage.read(input)
    expected.replaceSubrange(
      1 << 20..<1 << 20 + 100 << 10, with: repeatElement(7, count: 100 << 10))
    #expect(try RawImage.read(disk) == expected)
    for target in [input, image] {
      let result = try workspace.exportCommand(
        ["--allow-external-files", "--force"], image, to: target.string
      ).run()
      #expect(result.exitCode == 1 && result.errors.contains("the input"), "\(result)")
    }
  }

  @Test("An existing file is replaced only with --force, and then whole")
  func existingFiles() throws {
    try workspace.convert()
    let old = Array("precious".utf8)
    try RawImage.write(old, to: disk)
    let result = try workspace.exportCommand([], workspace.output).run()
    #expect(result.exitCode == 1 && result.errors.contains("--force"), "\(result)")
    #expect(try RawImage.read(disk) == old)
    try workspace.export(["--force"], workspace.output)
    #expect(try RawImage.read(disk) == RawImage.read(input))
  }

  @Test(
    "A damaged image ends in a message, and leaves no output", arguments: [[], ["--threads", "1"]])
  func damagedImages(options: [String]) throws {
    let image = workspace.folder.file("image.qcow2")
    try workspace.convert(["-c", "--cluster-size", "4K", "--no-hash-store"], to: image)
    let size = try RawImage.size(of: image)
    try Command("truncate", ["-s", "\(size * 2 / 3)", image.string]).run().expectingExit(0)
    try expectRefusal(
      try workspace.exportCommand(options, image).run(), naming: image.string, leaving: workspace)
  }

  @Test("What is no image to export is refused with what to do")
  func otherInputs() throws {
    let pipe = workspace.folder.file("pipe")
    try Command("mkfifo", [pipe.string]).run().expectingExit(0)
    try expectRefusal(
      try workspace.exportCommand([], pipe).run(), naming: pipe.string, "pipe", leaving: workspace)
    let packed = workspace.folder.file("in.img.gz")
    try Command.shell("gzip -c \"$1\" >\"$2\"", [input.string, packed.string]).run()
      .expectingExit(0)
    try expectRefusal(
      try workspace.exportCommand([], packed).run(), naming: "gzip -dc", ">disk.raw",
      leaving: workspace)
  }

  @Test(
    "The report keeps to its schema, and its text has the figures", arguments: [[], ["-l", "a"]])
  func reports(options: [String]) throws {
    let image = try QemuImage.converting(
      raw: input, to: workspace.folder.file("image.qcow2"), format: "qcow2")
    try image.takeSnapshot("a")
    let command = try workspace.exportCommand(options + ["--report", "json"], image.path)
    let file = workspace.folder.file("report.json")
    try RawImage.write(try command.run().expectingExit(0).standardOutput, to: file)
    try expectValid(file, schema: "ExportSchema.json")
    let text = try workspace.exportCommand(options + ["--force"], image.path).run()
    for line in ["\(image.path) → \(disk)", "  disk          40 MiB", "  zeros "] {
      #expect(text.output.contains(line) || text.output.contains(line.replacing("→", with: "->")))
    }
    let quiet = try workspace.exportCommand(options + ["--force", "-q"], image.path).run()
    #expect(quiet.exitCode == 0 && quiet.output == "" && quiet.errors == "")
  }

  @Test(
    "Mistakes on the command line are usage errors",
    arguments: [
      ["-", "disk.img"], ["--verify", "in.img", "-"], ["in.img", ""], ["in.img", "folder/"],
      ["https://a/b", "disk.img"], ["in.img"], ["--threads", "0", "in.img", "disk.img"],
    ])
  func usage(arguments: [String]) throws {
    let result = try Command.qdedup(["export"] + arguments).run()
    #expect(result.exitCode == 64 && !result.errors.isEmpty, "\(result)")
  }
}
