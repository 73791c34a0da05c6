import SystemPackage
import TestSupport
import Testing

/// `qdedup check` as a user meets it.
@Suite struct CheckCommandTests {
  let workspace: Workspace
  var image: FilePath { workspace.folder.file("image.qcow2") }

  init() throws { workspace = try Workspace() }

  private func check(_ arguments: String...) throws -> CommandResult {
    try Command.qdedup(["check"] + arguments).run()
  }

  private func create(_ options: [String] = [], size: String = "1M") throws {
    try QemuImage.run(
      ["create", "-q", "-f", "qcow2"] + options + [image.string, size]
    ).expectingExit(0)
  }

  @Test("A sound image is reported in a few lines")
  func soundImageIsToldInFewLines() throws {
    try create(["-o", "cluster_size=4K"])
    try QemuImage(image).perform("write -P 1 0 64K")
    let text = try check(image.string).expectingExit(0).output
    #expect(
      text == """
        no errors in the image's tables
        16 of 256 clusters allocated (6.3 %), 0.0 % fragmented, 0.0 % compressed
        image ends after 86,016 bytes (84 KiB)

        """)
  }

  @Test("Each finding is a line, a hundred at most")
  func eachFindingIsLine() throws {
    try create(["-o", "cluster_size=512"])
    try QemuImage(image).perform("write -P 1 0 512K")
    var bytes = try RawImage.read(image)
    // Refcounts of 0 for a whole block of 256 clusters.
    let table = Int(bytes[54]) << 8 | Int(bytes[55])
    let block = bytes[table + 8..<table + 16].reduce(0) { $0 << 8 | Int($1) }
    for index in 0..<512 { bytes[block + index] = 0 }
    try RawImage.write(bytes, to: image)
    let result = try check(image.string).expectingExit(2)
    let lines = result.output.split(separator: "\n")
    #expect(lines[0].hasPrefix("corruption: a refcount is too low at host byte"))
    #expect(lines[0].hasSuffix("expected 1, found 0"))
    #expect(lines[100].hasPrefix("... and "))
    #expect(lines.count < 106 && result.errors.isEmpty)
    let outcome = try expectAgreement(on: image)
    #expect(outcome.report?.findings.count == 100)
    #expect(try #require(outcome.report).corruptions > 256)
  }

  @Test("Leaks alone have a code of their own")
  func leaksAloneHaveCodeOfTheirOwn() throws {
    try create(["-o", "cluster_size=4K"])
    try QemuImage(image).perform("write -P 1 0 64K")
    var bytes = try RawImage.read(image)
    // The L1 table's first entry, at the fourth cluster: the L2 table and all below it is lost.
    for index in 0..<8 { bytes[3 * 4096 + index] = 0 }
    try RawImage.write(bytes, to: image)
    let text = try check(image.string).expectingExit(3).output
    #expect(text.contains("\n17 leaked clusters\n"))
    try expectAgreement(on: image)
  }

  @Test("Metadata with the right refcount on another's place is seen")
  func metadataWithRightRefcountOnAnotherPlaceIsSeen() throws {
    try create(["-o", "cluster_size=4K"])
    try QemuImage(image).perform("write -P 1 0 8K")
    var bytes = try RawImage.read(image)
    // Clusters: header, refcount table, refcount block, L1, L2, data, data. The second guest cluster
    // is let stand on the L2 table, whose refcount becomes 2.
    let (table, blocks) = (4 * 4096, 2 * 4096)
    bytes.replaceSubrange(table + 8..<table + 16, with: [0, 0, 0, 0, 0, 0, 0x40, 0])
    bytes[blocks + 4 * 2 + 1] = 2
    bytes[blocks + 6 * 2 + 1] = 0
    bytes[3 * 4096] = 0
    try RawImage.write(bytes, to: image)
    #expect(try QemuImage(image).check().exitCode == 0)
    let text = try check(image.string).expectingExit(2).output
    #expect(text.contains("at host byte 16384: expected one use, found an L2 table and data"))
  }

  @Test("What a cut-off image misses is reported as one end and the other")
  func whatCutOffImageMissesIsToldAsOneEndAndOther() throws {
    try create(["-o", "cluster_size=4K"])
    try QemuImage(image).perform("write -P 1 0 64K")
    // Header, refcount table and block, L1, L2, then 16 clusters of data, of which three are left.
    try Command("truncate", ["-s", "32K", image.string]).run().expectingExit(0)
    let finding = """
      a cluster of data reaches beyond the file's end at host byte 36864, guest byte 16384: \
      expected an end up to byte 32768, found an end at byte 40960
      """
    #expect(try check(image.string).expectingExit(2).output.contains(finding))
    try expectAgreement(on: image)
  }

  @Test("Names from the image are made visible")
  func namesFromImageAreMadeVisible() throws {
    try create()
    try QemuImage.run(["snapshot", "-c", "a\u{1B}[31mb", image.string]).expectingExit(0)
    var bytes = try RawImage.read(image)
    // The entry's L1 table, its first field, is moved beside a cluster.
    let entry = bytes[64..<72].reduce(0) { $0 << 8 | Int($1) }
    bytes[entry + 7] = 1
    try RawImage.write(bytes, to: image)
    let text = try check(image.string).expectingExit(2).output
    #expect(!text.contains("\u{1B}") && text.contains("snapshot 0 \"a\\u{1b}[31mb\""), "\(text)")
    try expectAgreement(on: image)
  }

  @Test("An image that a running machine writes is refused unless the user insists")
  func imageThatRunningMachineWritesIsRefusedUnlessUser() throws {
    try create()
    let machine = try QemuImage(image).openedByRunningMachine()
    let refusal = try check(image.string).expectingExit(1)
    #expect(refusal.errors.contains("--force-share") && refusal.output.isEmpty)
    try check("-U", image.string).expectingExit(0)
    try machine.endInput()
    try machine.wait().expectingExit(0)
  }

  @Test("An encrypted image needs no key")
  func encryptedImageNeedsNoKey() throws {
    try QemuImage.createEncrypted(image, size: 1 << 20, method: "luks", options: "cluster_size=4K")
    let outcome = try CheckOutcome.ours(image)
    #expect(outcome.exitCode == 0, "\(outcome)")
    let options = "driver=qcow2,encrypt.key-secret=key,file.filename=\(image)"
    let theirs = try QemuImage.run(["check"] + QemuImage.key + ["--image-opts", options])
    let end = try #require(outcome.counts?.end)
    #expect(try theirs.expectingExit(0).output.contains("Image end offset: \(end)\n"))
  }

  @Test("Without its data file not all of an image is checked")
  func withoutItsDataFileNotAllOfImageIsChecked() throws {
    let data = workspace.folder.file("data.raw")
    try create(["-o", "data_file=\(data)"])
    try QemuImage(image).perform("write -P 1 0 64K")
    #expect(try check(image.string).expectingExit(0).output.contains("data file was not checked"))
    try Command("mv", [data.string, data.string + ".moved"]).run().expectingExit(0)
    let text = try check(image.string).expectingExit(1).output
    #expect(text.contains("check error: its data file \"\(data)\" is not there\n"), "\(text)")
    try expectAgreement(on: image)
  }

  @Test("A file of more clusters than can be counted is refused with the limit")
  func fileOfMoreClustersThanCanBeCountedIsRefused() throws {
    try create(["-o", "cluster_size=512"])
    try Command("truncate", ["-s", "1T", image.string]).run().expectingExit(0)
    let result = try check(image.string).expectingExit(1)
    #expect(result.errors.contains("2147483647"))
    #expect(try QemuImage(image).check().exitCode == 1)
    try Command("truncate", ["-s", "1099511627264", image.string]).run().expectingExit(0)
    try check(image.string).expectingExit(0)
  }

  @Test(
    "What cannot be checked is refused with a message",
    arguments: [
      (["missing.img"], 1), (["/dev/null"], 1), (["/tmp"], 1),
      ([], 64), (["-"], 64), ([""], 64), (["a", "b"], 64),
    ] as [([String], Int32)])
  func whatCannotBeCheckedIsRefusedWithMessage(arguments: [String], code: Int32) throws {
    let result = try Command.qdedup(["check"] + arguments).run()
    #expect(result.exitCode == code, "\(result)")
    #expect(!result.errors.isEmpty && result.output.isEmpty)
  }

  @Test("One of a kind is written as one, and a kind that is not read without what would be read")
  func oneIsToldAsOne() throws {
    try RawImage.write(RawImage.noise(count: 4096, seed: 6), to: workspace.input)
    try workspace.convert()
    let text = try check("--data", workspace.output.string).expectingExit(0).output
    let store = """
      hash store: valid, 1 incarnation, 1 entry checked, 1 digest compared with data, 1 lookup made

      """
    #expect(text.hasSuffix(store), "\(text)")
    let info = try Command.qdedup(["info", workspace.output.string]).run().output
    #expect(info.contains(" 1 entry in all, 0 in limbo, "), "\(info)")
    for command in ["check", "info"] {
      let refusal = try Command.qdedup([command, "/dev/null"]).run().expectingExit(1).errors
      #expect(refusal.hasSuffix("name a disk image: a regular file or a block device\n"))
    }
  }

  @Test("An image of another format is refused with the exit code of QEMU")
  func imageOfAnotherFormatIsRefusedWithExitCodeOfQEMU() throws {
    let raw = try workspace.folder.make("disk.img", RawImage.noise(count: 8192, seed: 5))
    #expect(try QemuImage(raw, format: "raw").check().exitCode == 63)
    let result = try check(raw.string).expectingExit(63)
    #expect(result.errors == "qdedup: \(raw) is a raw image, and only qcow2 can be checked\n")
    #expect(try check("--json", raw.string).expectingExit(63).output.isEmpty)
    let other = try QemuImage.converting(
      raw: raw, to: workspace.folder.file("disk.vhdx"), format: "vhdx")
    let refusal = try check(other.path.string).expectingExit(63).errors
    #expect(refusal.contains("is a VHDX image, and only qcow2 can be checked"))
    // What is qcow2 but damaged cannot be opened.
    try RawImage.write([0x51, 0x46, 0x49, 0xFB, 0, 0, 0, 9], to: raw)
    try check(raw.string).expectingExit(1)
  }
}
