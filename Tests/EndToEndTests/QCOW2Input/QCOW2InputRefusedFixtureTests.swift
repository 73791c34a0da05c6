import SystemPackage
import TestSupport
import Testing

/// Images that are not read: unknown features, damage and malice. None makes the program fail in
/// any other way than with its message, and none makes it read or write what it should not.
@Suite struct QCOW2InputRefusedFixtureTests {
  let workspace: Workspace

  init() throws { workspace = try Workspace() }

  @Test("A refused fixture is refused for what it is", arguments: RefusedFixture.all)
  func refusedFixtureIsRefusedForWhatItIs(_ fixture: RefusedFixture) throws {
    let image = try fixture.unpack(into: workspace.folder.path)
    let before = try RawImage.read(image)
    let result = try workspace.run(fixture.options, from: image.string)
    try expectRefusal(result, naming: [image.string] + fixture.words, leaving: workspace)
    let lines = result.errors.split(separator: "\n")
    #expect(lines.count == 1, "one message: \(result.errors)")
    #expect(try RawImage.read(image) == before, "the input was written to")
  }

  @Test(
    "A refused fixture is refused with a permission that does not matter, too",
    arguments: RefusedFixture.features + RefusedFixture.headers + RefusedFixture.tables)
  func isRefusedWithPermissionThatDoesNotMatter(_ fixture: RefusedFixture) throws {
    let image = try fixture.unpack(into: workspace.folder.path)
    let result = try workspace.run(["--allow-external-files", "-c"], from: image.string)
    try expectRefusal(result, naming: [image.string] + fixture.words, leaving: workspace)
  }

  @Test(
    "A fixture is a disk of its own bytes with -f raw",
    arguments: RefusedFixture.features + RefusedFixture.headers)
  func isDiskOfItsOwnBytesWithFRaw(_ fixture: RefusedFixture) throws {
    let image = try fixture.unpack(into: workspace.folder.path)
    try workspace.convert(["-f", "raw"], from: image.string)
    try expectSound(workspace.output, equals: image)
  }

  @Test(
    "A disk is read whose snapshots cannot be", arguments: RefusedFixture.snapshots)
  func withSnapshotsThatCannotBeRead(
    _ fixture: RefusedFixture
  ) throws {
    let image = try fixture.unpack(into: workspace.folder.path)
    try workspace.convert(from: image.string)
    let expected = workspace.folder.file("expected.img")
    try DiskPiece.write(
      DiskPiece.standard(4096), size: DiskPiece.standardSize(4096), to: expected)
    try expectSound(workspace.output, equals: expected)
  }

  @Test(
    "A refused fixture is refused as a backing file, too",
    arguments: [
      "cluster-bits-255", "l1-huge", "extension-huge", "zlib-damaged", "version-4", "data-outside",
      "named-feature", "backing-json",
    ])
  func asBackingFile(name: String) throws {
    try Fixtures.unpack(["\(name).qcow2"], into: workspace.folder.path)
    let overlay = workspace.folder.file("overlay.qcow2")
    _ = try QemuImage.creating(
      overlay, size: 29184, ["-u", "-b", "\(name).qcow2", "-F", "qcow2"])
    let result = try workspace.run(["--allow-external-files"], from: overlay.string)
    try expectRefusal(result, naming: "\(name).qcow2", leaving: workspace)
  }

  @Test("A qcow2 image that ends in its tables is refused", arguments: [1, 7, 12, 63])
  func qcow2ImageThatEndsInItsTablesIsRefused(kibibytes: Int) throws {
    try Fixtures.unpack(["v3-64k.qcow2"], into: workspace.folder.path)
    let image = workspace.folder.file("v3-64k.qcow2")
    try RawImage.write(Array(try RawImage.read(image).prefix(kibibytes << 10)), to: image)
    try expectRefusal(
      try workspace.run(from: image.string), naming: image.string, leaving: workspace)
  }

  @Test("An encrypted image is refused", arguments: ["aes", "luks"])
  func encryptedImageIsRefused(method: String) throws {
    let image = workspace.folder.file("an encrypted, old one.qcow2")
    try QemuImage.createEncrypted(image, size: 65536, method: method)
    let result = try workspace.run(from: image.string)
    try expectRefusal(result, naming: image.string, "encrypt", method, leaving: workspace)
    // The command of the message makes an image that is taken.
    let command = try #require(result.errors.firstMatch(of: #/qemu-img convert .*/#)).output
    let key = try workspace.folder.make("key", Array("open".utf8))
    let folder = workspace.folder.path
    try Command.shell(
      "cd \"$1\" && \(command.replacing("KEY-FILE", with: key.string))", [folder.string]
    ).run().expectingExit(0)
    try workspace.convert(["--verify"], from: folder.appending("decrypted.qcow2").string)
  }

  @Test("The command for an image that is marked as corrupt repairs it")
  func commandForImageThatIsMarkedAsCorruptMendsIt() throws {
    try Fixtures.unpack(["corrupt.qcow2"], into: workspace.folder.path)
    let image = workspace.folder.file("my image.qcow2")
    try Command("mv", [workspace.folder.file("corrupt.qcow2").string, image.string]).run()
      .expectingExit(0)
    let result = try workspace.run(from: image.string)
    let command = "qemu-img check -r all '\(image)'"
    try expectRefusal(result, naming: command, leaving: workspace)
    try Command.shell(command).run().expectingExit(0)
    try workspace.convert(from: image.string)
  }

  @Test("A backing file of a third format is refused by its name")
  func backingFileOfThirdFormatIsRefusedByItsName() throws {
    let base = workspace.folder.file("base.vmdk")
    try QemuImage.run(["create", "-q", "-f", "vmdk", base.string, "1M"]).expectingExit(0)
    let image = workspace.folder.file("image.qcow2")
    _ = try QemuImage.overlay(image, over: "base.vmdk", format: "vmdk")
    try expectRefusal(
      try workspace.run(["--allow-external-files"], from: image.string), naming: image.string,
      "base.vmdk", "vmdk", "qemu-img", leaving: workspace)
  }

  @Test("A text file that is named as backing file does not show up in the output")
  func textFileThatIsNamedAsBackingFileDoesNotShowUp() throws {
    let secret = try workspace.folder.make("secret", Array("root:x:0:0".utf8) + [10])
    let image = workspace.folder.file("image.qcow2")
    _ = try QemuImage.overlay(image, over: secret.string, format: "raw", size: 65536)
    try expectRefusal(
      try workspace.run(["--verify", "-U"], from: image.string), naming: secret.string,
      "--allow-external-files", leaving: workspace)
  }
}
