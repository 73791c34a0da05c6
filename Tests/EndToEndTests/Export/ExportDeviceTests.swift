import SystemPackage
import TestSupport
import Testing

/// `qdedup export` to a block device. Needs root and loop devices; where they are missing the tests
/// say so.
@Suite(
  "Export to a device", .enabled(if: LoopDevice.worksHere, "needs root and a free loop device"))
struct ExportDeviceTests {
  let workspace: Workspace
  /// What the device holds: other data everywhere.
  let backing: FilePath
  private static let deviceSize = 48 << 20

  init() throws {
    workspace = try Workspace()
    try workspace.makeDisk(seed: 421)
    try workspace.convert(["-c", "--cluster-size", "4K", "--compression-type", "zstd"])
    backing = workspace.folder.file("backing")
    try RawImage.equal(at: backing, count: Self.deviceSize, byte: 0xAA)
  }

  private func export(
    _ options: [String], to device: String, from image: FilePath? = nil
  ) throws -> CommandResult {
    try workspace.exportCommand(
      ["--report", "json"] + options, image ?? workspace.output, to: device
    ).run()
  }

  @Test("The device holds the disk, zeros too, and what follows the disk stays")
  func overwritten() throws {
    let report = try LoopDevice.with(backing) { device in
      let result = try export(["--force", "--verify"], to: device).expectingExit(0)
      return try ExportReport(json: result.standardOutput)
    }
    let disk = try RawImage.read(workspace.input)
    let bytes = try RawImage.read(backing)
    #expect(Array(bytes[..<disk.count]) == disk)
    #expect(bytes[disk.count...].allSatisfy { $0 == 0xAA })
    #expect(report.output.kind == "device" && report.verified)
    #expect(report.bytes.written + report.bytes.zeros == report.bytes.total)
    #expect(report.warnings.count == 1 && report.warnings[0].contains("larger"), "\(report)")
  }

  @Test("Long zeros are left to the device, which gives their room back")
  func discarded() throws {
    try LoopDevice.with(backing) { device in
      _ = try export(["--force"], to: device).expectingExit(0)
    }
    #expect(try allocatedBytes(of: backing) < 30 << 20)
  }

  @Test("Without --force a device is not touched")
  func notAllowed() throws {
    try LoopDevice.with(backing) { device in
      let result = try export([], to: device)
      #expect(result.exitCode == 1, "\(result)")
      #expect(result.errors.contains("block device") && result.errors.contains("--force"))
    }
    #expect(try RawImage.read(backing).allSatisfy { $0 == 0xAA })
  }

  @Test("A device that is too small is not touched, and the sizes are named")
  func tooSmall() throws {
    try RawImage.equal(at: backing, count: 1 << 20, byte: 0xAA)
    try LoopDevice.with(backing) { device in
      let result = try export(["--force"], to: device)
      #expect(result.exitCode == 1, "\(result)")
      for word in [device, "1048576 bytes", "\(40 << 20 + 2048)"] {
        #expect(result.errors.contains(word), "\(result)")
      }
    }
    #expect(try RawImage.read(backing).allSatisfy { $0 == 0xAA })
  }

  @Test("A device is not exported onto itself, by another node of it either")
  func itself() throws {
    try LoopDevice.with(backing) { device in
      let node = workspace.folder.file("node").string
      try Command.shell(
        "mknod \"$2\" b $(stat -c '0x%t 0x%T' \"$1\")", [device, node]
      ).run().expectingExit(0)
      for target in [device, node] {
        let result = try export(["--force"], to: target, from: FilePath(device))
        #expect(result.exitCode == 1 && result.errors.contains("the input itself"), "\(result)")
      }
    }
    #expect(try RawImage.read(backing).allSatisfy { $0 == 0xAA })
  }

  @Test("A mounted device is not touched")
  func mounted() throws {
    try Command.system("mke2fs", ["-q", "-F", backing.string]).run().expectingExit(0)
    let place = try workspace.folder.makeDirectory("mounted")
    try LoopDevice.with(backing) { device in
      let command = try workspace.exportCommand(["--force"], workspace.output, to: device)
      let script = "mount \"$1\" \"$2\" || exit 99; shift 2; \"$@\""
      let result = try Command(
        "unshare",
        ["-m", "sh", "-c", script, "sh", device, place.string, command.program]
          + command.arguments
      ).run()
      #expect(result.exitCode == 1, "\(result)")
      #expect(result.errors.contains("in use by the system"), "\(result)")
    }
    try Command.system("e2fsck", ["-fn", backing.string]).run().expectingExit(0)
  }

  @Test("A failure half-way says that the device holds a part")
  func damagedImage() throws {
    let image = workspace.folder.file("image.qcow2")
    try workspace.convert(["-c", "--cluster-size", "4K", "--no-hash-store"], to: image)
    // In the middle of the file there is data.
    let damaging = """
      head -c 20000 /dev/zero | tr '\\000' '\\377' |
        dd of="$1" bs=4096 seek=$(($(stat -c %s "$1") / 8192)) conv=notrunc
      """
    try Command.shell(damaging, [image.string]).run().expectingExit(0)
    try LoopDevice.with(backing) { device in
      let result = try export(["--force"], to: device, from: image)
      #expect(result.exitCode == 1, "\(result)")
      #expect(result.errors.contains(image.string), "\(result)")
      #expect(result.errors.contains("\(device) holds only a part of the disk"), "\(result)")
    }
  }
}
