import SystemPackage
import TestSupport
import Testing

/// What `-f` says and what the content says.
@Suite struct QCOW2InputFormatTests {
  let workspace: Workspace
  var input: FilePath { workspace.input }
  var output: FilePath { workspace.output }
  var image: FilePath { workspace.folder.file("image.qcow2") }

  init() throws {
    workspace = try Workspace()
    try RawImage.write(RawImage.noise(count: 300_032, seed: 301), to: workspace.input)
    _ = try QemuImage.converting(
      raw: workspace.input, to: workspace.folder.file("image.qcow2"), format: "qcow2")
  }

  @Test(
    "A qcow2 image is read as such, whatever its name",
    arguments: [[], ["-f", "qcow2"], ["--format", "qcow2"], ["--allow-external-files"]])
  func qcow2ImageIsReadAsSuch(options: [String]) throws {
    for name in ["image.qcow2", "disk.img", "disk.raw", "disk"] {
      let named = workspace.folder.file(name)
      if named != image { try RawImage.write(RawImage.read(image), to: named) }
      let report = try workspace.convert(options + ["--force"], from: named.string)
      #expect(report.input.format == "qcow2")
    }
    try expectSound(output, equals: input)
  }

  @Test("--format raw takes the bytes of a qcow2 image")
  func formatRawTakesBytesOfQcow2Image() throws {
    let report = try workspace.convert(["-f", "raw"], from: image.string)
    try expectSound(output, equals: image)
    #expect(report.input.format == "raw")
  }

  @Test("--format qcow2 refuses a raw image")
  func formatQcow2RefusesRawImage() throws {
    try expectRefusal(
      try workspace.run(["-f", "qcow2"]), naming: input.string, "qcow2", leaving: workspace)
  }

  @Test("--format qcow2 refuses a file that is too short", arguments: [0, 3, 4, 511])
  func formatQcow2RefusesFileThatIsTooShort(size: Int) throws {
    let short = try workspace.folder.make("short", Array(repeating: 0x51, count: size))
    try expectRefusal(
      try workspace.run(["-f", "qcow2"], from: short.string), naming: short.string,
      leaving: workspace)
  }

  @Test("--format qcow2 refuses other formats", arguments: ["qcow", "vmdk", "vdi", "qed", "vhdx"])
  func formatQcow2RefusesOtherFormats(format: String) throws {
    let other = workspace.folder.file("other")
    _ = try QemuImage.converting(raw: input, to: other, format: format)
    try expectRefusal(
      try workspace.run(["-f", "qcow2"], from: other.string), naming: other.string,
      leaving: workspace)
  }

  @Test(
    "A qcow2 image from a pipe is refused, with its bytes as a disk if asked",
    arguments: [[], ["-f", "qcow2"]])
  func qcow2ImageFromPipeIsRefused(
    options: [String]
  ) throws {
    var command = try workspace.conversion(options, from: "-")
    command.input = .pipe(contentsOf: image)
    let result = try command.run()
    #expect([1, 64].contains(result.exitCode), "\(result)")
    #expect(result.errors.contains("qcow2"))
    #expect(try workspace.outputNames() == [])
    try workspace.convert(
      ["-f", "raw"], from: "-", reading: .pipe(contentsOf: image))
    try expectSound(output, equals: image)
  }

  @Test("A raw disk whose first bytes are a header of the guest's is raw if asked")
  func rawDiskWhoseFirstBytesAreHeaderOfGuestIsRawIf() throws {
    let header = try Array(RawImage.read(image).prefix(65536))
    let disk = try workspace.folder.make("disk.img", header + RawImage.noise(count: 9000, seed: 3))
    try workspace.convert(["-f", "raw"], from: disk.string)
    try expectSound(output, equals: disk)
  }

  @Test("A qcow2 image inside a qcow2 image is left as it is")
  func qcow2ImageInsideQcow2ImageIsLeftAsItIs() throws {
    let outer = workspace.folder.file("outer.qcow2")
    _ = try QemuImage.converting(raw: image, to: outer, format: "qcow2")
    try workspace.convert(from: outer.string)
    try expectSound(output, equals: image)
  }

  @Test(
    "A qcow2 image on a block device is read",
    .enabled(if: LoopDevice.worksHere, "needs a loop device"))
  func qcow2ImageOnBlockDeviceIsRead() throws {
    let report = try LoopDevice.with(image) { device in
      try workspace.convert(["-f", "qcow2"], from: device)
    }
    #expect(report.input.format == "qcow2")
    try expectSound(output, equals: input)
  }
}
