import SystemPackage
import TestSupport
import Testing

/// What QEMU's programs do to a file with versions between two commands: it is recognised, and then
/// handled, or refused with a reason. Nothing of a version is ever lost.
@Suite struct QEMUChangesTests {
  private static let bytes = RawImage.mixture(clusters: 300, size: 4096, kinds: 200, seed: 81)
  private static let later = Array(bytes.reversed())

  /// A file with the versions v1 and v2, of which v2 is active.
  private func makeFile(_ options: [String] = []) throws -> VersionsFolder {
    var versions = try VersionsFolder()
    try versions.create("v1", Self.bytes, options)
    var second = Self.bytes
    second.replaceSubrange(200_000..<300_000, with: RawImage.noise(count: 100_000, seed: 82))
    try versions.add("v2", second)
    return versions
  }

  /// Adds a version, with these options, and reads all back.
  private func add(_ name: String, _ options: [String] = [], to versions: inout VersionsFolder)
    throws
  {
    try versions.add(name, Self.later, options)
  }

  /// Expects that adding is refused without a decision on the active disk, and works with one.
  private func expectDecisionIsNeeded(_ versions: inout VersionsFolder) throws {
    let input = try versions.disk("v3", Self.later)
    versions.forget("v3")
    let command = ["add", "--name", "v3", versions.file.string, input]
    let refused = try Command.qdedup(command).run().expectingExit(1)
    #expect(refused.errors.contains("was changed since it was a copy of a version"), "\(refused)")
    #expect(try versions.list().active.isChanged)
    try add("v3", ["--name-active", "guest"], to: &versions)
    #expect(try versions.list().versions.map(\.name) == ["v1", "v2", "guest", "v3"])
  }

  @Test(
    "A guest's writes, zeros and discards are kept as a version or dropped, as it was said",
    arguments: [
      ["write -P 7 100k 300k"], ["write -z 64k 128k"], ["write -z -u 64k 128k"],
      ["discard 0 512k"], ["write -P 7 8k 4k", "write -z 8k 4k", "discard 200k 100k"],
    ], [[], ["-c"]])
  func guest(commands: [String], mode: [String]) throws {
    var versions = try makeFile(mode)
    try QemuImage(versions.file).perform(commands)
    let raw = versions.folder.file("guest.img")
    try QemuImage.run(["convert", "-O", "raw", versions.file.string, raw.string]).expectingExit(0)
    try expectDecisionIsNeeded(&versions)
    let restored = versions.folder.file("restored.img")
    try versions.run(
      "export", "-q", "--force", "-l", "guest", versions.file.string, restored.string)
    try Command("cmp", [raw.string, restored.string]).run().expectingExit(0)
    try versions.run("remove", "-q", versions.file.string, "guest", "v1")
    versions.forget("v1")
    try versions.expectSound()
  }

  @Test("A snapshot that QEMU takes is a version like any other")
  func snapshotTaken() throws {
    var versions = try makeFile()
    try QemuImage.run(["snapshot", "-c", "by QEMU", versions.file.string]).expectingExit(0)
    #expect(try versions.list().versions.map(\.name) == ["v1", "v2", "by QEMU"])
    try add("v3", to: &versions)
    try versions.run("remove", "-q", versions.file.string, "by QEMU")
    try versions.expectSound()
  }

  @Test("A version that QEMU makes active is recognised as active")
  func snapshotApplied() throws {
    var versions = try makeFile()
    try QemuImage.run(["snapshot", "-a", "v1", versions.file.string]).expectingExit(0)
    #expect(try versions.list().active.version == "v1")
    try add("v3", to: &versions)
    #expect(try versions.list().versions.map(\.name) == ["v1", "v2", "v3"])
  }

  @Test("A version that QEMU deletes is gone, and all others stay", arguments: ["v1", "v2"])
  func snapshotDeleted(name: String) throws {
    var versions = try makeFile()
    try QemuImage.run(["snapshot", "-d", name, versions.file.string]).expectingExit(0)
    versions.forget(name)
    if name == "v2" {
      try expectDecisionIsNeeded(&versions, names: ["v1", "guest", "v3"])
    } else {
      try add("v3", to: &versions)
    }
    try versions.expectSound()
  }

  private func expectDecisionIsNeeded(
    _ versions: inout VersionsFolder, names: [String]
  ) throws {
    #expect(try versions.list().active.isChanged)
    try add("v3", ["--name-active", "guest"], to: &versions)
    #expect(try versions.list().versions.map(\.name) == names)
  }

  @Test("A disk that QEMU made larger counts as changed, and keeps its size as a version")
  func resized() throws {
    var versions = try makeFile()
    try QemuImage(versions.file).resize(to: 3 << 20)
    try expectDecisionIsNeeded(&versions)
    #expect(
      try versions.list().versions.map(\.virtualSize) == [300, 300, 768, 300].map { $0 << 12 })
  }

  @Test("What qemu-img commit brings from an overlay counts as changed")
  func committed() throws {
    var versions = try makeFile()
    let overlay = versions.folder.file("overlay.qcow2").string
    try QemuImage.run([
      "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", versions.file.string, overlay,
    ]).expectingExit(0)
    try QemuImage(FilePath(overlay)).perform("write -P 6 500k 100k")
    try QemuImage.run(["commit", "-q", overlay]).expectingExit(0)
    try expectDecisionIsNeeded(&versions)
  }

  @Test("A file with a bitmap is refused with the reason, until the bitmap is gone")
  func bitmap() throws {
    var versions = try makeFile()
    let file = versions.file.string
    try QemuImage.run(["bitmap", "--add", file, "b0"]).expectingExit(0)
    let input = versions.folder.file("v1.img").string
    for command in [
      ["add", "--name", "v3", file, input], ["remove", file, "v1"], ["activate", file, "v1"],
    ] {
      let refused = try Command.qdedup(command).run().expectingExit(1)
      #expect(refused.errors.contains("it has bitmaps"), "\(refused)")
    }
    try QemuImage.run(["bitmap", "--remove", file, "b0"]).expectingExit(0)
    try add("v3", to: &versions)
  }

  @Test(
    "What qemu-img amend changes is read as it is, and the next command writes what it always does",
    arguments: ["lazy_refcounts=on", "refcount_bits=64", "refcount_bits=8", "compat=0.10"])
  func amended(option: String) throws {
    var versions = try makeFile()
    let amended = try QemuImage.run(["amend", "-o", option, versions.file.string])
    try versions.expectSound()
    // QEMU does not do all of that in a file with snapshots.
    if amended.exitCode != 0 { print("qemu-img amend -o \(option): \(amended.errors)") }
    try add("v3", to: &versions)
    #expect(try QemuImage(versions.file).info().formatSpecific?.data.refcountBits == 16)
  }

  @Test("A file that got a backing file is refused with the reason")
  func rebased() throws {
    let versions = try makeFile()
    let base = versions.folder.file("base.img").string
    try QemuImage.run(["create", "-q", "-f", "raw", base, "2M"]).expectingExit(0)
    try QemuImage.run(["rebase", "-u", "-F", "raw", "-b", base, versions.file.string])
      .expectingExit(0)
    let refused = try Command.qdedup(["remove", versions.file.string, "v1"]).run()
    #expect(refused.exitCode == 1 && refused.errors.contains("it has a backing file"), "\(refused)")
  }

  @Test("While a QEMU has the file open, every change is refused, and so is reading if it writes")
  func running() throws {
    let versions = try makeFile()
    let machine = try QemuImage(versions.file).openedByRunningMachine()
    for command in [
      ["remove", versions.file.string, "v1"], ["activate", versions.file.string, "v1"],
      ["versions", versions.file.string],
    ] {
      let refused = try Command.qdedup(command).run().expectingExit(1)
      #expect(refused.errors.contains("in use by a running QEMU"), "\(refused)")
    }
    try machine.endInput()
    _ = try machine.wait()
    let reader = try QemuImage(versions.file).openedByRunningMachine(isReader: true)
    try versions.run("versions", versions.file.string)
    let refused = try Command.qdedup(["remove", versions.file.string, "v1"]).run()
    #expect(refused.exitCode == 1, "\(refused)")
    try reader.endInput()
    _ = try reader.wait()
  }

  @Test("A snapshot with a machine's state is no version, and stays as it is")
  func machineState() throws {
    var versions = try makeFile()
    // Its size in the table of snapshots: 32 bits, and 64 bits in the data besides.
    var file = try TemporaryDirectory.content(of: versions.file)
    let table = Int(file[64..<72].reduce(0) { $0 << 8 | UInt64($1) })
    file[table + 35] = 1
    file[table + 47] = 1
    try RawImage.write(file, to: versions.file)
    #expect(try versions.list().versions.map(\.name) == ["v2"])
    try add("v3", to: &versions)
    let info = try versions.run("info", "--json", versions.file.string).output
    #expect(info.contains("\"machine_state_size\" : 1"), "\(info)")
    let refused = try Command.qdedup(["remove", versions.file.string, "v1"]).run()
    #expect(refused.exitCode == 1 && refused.errors.contains("machine"), "\(refused)")
  }
}
