import SystemPackage
import TestSupport
import Testing

/// What `qdedup info` says about images.
@Suite struct InfoTests {
  let workspace: Workspace
  var input: FilePath { workspace.input }
  var output: FilePath { workspace.output }

  init() throws {
    workspace = try Workspace()
    let mixture = RawImage.mixture(clusters: 600, size: 4096, kinds: 30, seed: 77)
    try RawImage.write(mixture, to: workspace.input)
  }

  @Test("An output is described with its store")
  func outputIsDescribedWithItsStore() throws {
    try workspace.convert(
      [
        "--log-store-order", "4", "--max-incarnations", "3", "-c", "--cluster-size", "4K",
        "--compression-type", "zstd",
      ])
    let image = try ImageDescription(of: output)
    let qcow2 = try #require(image.qcow2)
    let store = try #require(image.hashStore)
    #expect((image.format, image.virtualSize) == ("qcow2", 600 * 4096))
    #expect(image.fileSize == UInt64(try RawImage.size(of: output)))
    #expect((qcow2.version, qcow2.clusterSize, qcow2.refcountBits) == (3, 4096, 16))
    #expect(qcow2.compressionType == "zstd")
    #expect(
      qcow2.features == [
        .init(kind: "incompatible", bit: 3, name: "compression type"),
        .init(kind: "autoclear", bit: 63, name: "hash store"),
      ])
    let walker = try expectSound(output, equals: input)
    let walked = try #require(try WalkedStore.of(walker))
    #expect(store.isValid && store.state == "valid" && store.problem == nil)
    #expect(store.order == 4 && store.maxIncarnations == 3)
    #expect(store.incarnations.map(\.offset) == walked.incarnationOffsets)
    #expect(store.limbo == walked.limboOffsets)
    #expect(store.incarnations.count == 3)
    let sequences = store.incarnations.compactMap(\.sequence)
    #expect(sequences.count == 3 && sequences == sequences.sorted(by: >))
    #expect(store.usedEntries == store.incarnations.reduce(0) { $0 + ($1.usedEntries ?? 0) })
  }

  @Test("Info and report give the store the same size", arguments: ["512", "4K", "2M"])
  func infoAndReportGiveStoreSameSize(clusterSize: String) throws {
    let report = try workspace.convert([
      "--cluster-size", clusterSize, "--hash-store", "--log-store-order", "3",
    ])
    let store = try #require(try ImageDescription(of: output).hashStore)
    #expect(store.bytesOnDisk == report.hashStore.bytesOnDisk)
    #expect(UInt64(store.incarnations.count) == report.hashStore.incarnations)
  }

  @Test("A store is stale once QEMU has written to the image")
  func storeIsStaleOnceQEMUHasWrittenToImage() throws {
    try workspace.convert()
    #expect(try ImageDescription(of: output).hashStore?.isValid == true)
    try QemuImage(output).perform("write -P 7 0 4096")
    let store = try #require(try ImageDescription(of: output).hashStore)
    #expect(!store.isValid)
    #expect(store.problem?.contains("written to") == true)
    let text = try Command.qdedup(["info", output.string]).run().expectingExit(0).output
    #expect(text.contains("stale, not to be used: the image was written to"))
    #expect(store.state == "stale")
  }

  @Test("A damaged store is reported, and the image is described all the same")
  func damagedStoreIsTold() throws {
    try workspace.convert(["--log-store-order", "4"])
    let offset = try #require(
      try ImageDescription(of: output).hashStore?.incarnations.first?.offset)
    var bytes = try RawImage.read(output)
    bytes[Int(offset) + 4096 - 60] ^= 1
    try RawImage.write(bytes, to: output)
    let store = try #require(try ImageDescription(of: output).hashStore)
    #expect(!store.isValid && store.incarnations.first?.sequence == nil)
    #expect(store.problem?.contains("incarnation at byte \(offset)") == true)
    #expect(store.state == "damaged")
    let text = try Command.qdedup(["info", output.string]).run().expectingExit(0).output
    #expect(text.contains("  damaged: the incarnation at byte \(offset)"), "\(text)")
  }

  @Test("What is in an incarnation is not looked at, which is said")
  func whatStandsInIncarnationIsNotLookedAt() throws {
    try workspace.convert(["--log-store-order", "4"])
    let offset = try #require(
      try ImageDescription(of: output).hashStore?.incarnations.first?.offset)
    var bytes = try RawImage.read(output)
    bytes[Int(offset) + 4096 + 100] ^= 1
    try RawImage.write(bytes, to: output)
    #expect(try ImageDescription(of: output).hashStore?.state == "valid")
    let text = try Command.qdedup(["info", output.string]).run().expectingExit(0).output
    #expect(text.contains("  valid (its incarnations are checked by qdedup check)\n"), "\(text)")
    #expect(try CheckOutcome.ours(output).report?.hashStore?.state == "damaged")
  }

  @Test("Snapshots, backing file and bits are described as by QEMU")
  func snapshotsBackingFileAndBitsAreToldAsQEMUTells() throws {
    let overlay = workspace.folder.file("overlay.qcow2")
    try QemuImage.run(
      ["create", "-q", "-f", "qcow2", "-F", "raw", "-b", "in.img", "-o", "lazy_refcounts=on"]
        + [overlay.string, "3M"]
    ).expectingExit(0)
    try QemuImage.run(["snapshot", "-c", "first one", overlay.string]).expectingExit(0)
    try QemuImage(overlay).resize(to: 4 << 20)
    try QemuImage.run(["snapshot", "-c", "second", overlay.string]).expectingExit(0)
    let qcow2 = try #require(try ImageDescription(of: overlay).qcow2)
    #expect(qcow2.backingFile == .init(name: "in.img", format: "raw"))
    #expect(qcow2.snapshots.map(\.name) == ["first one", "second"])
    #expect(qcow2.snapshots.map(\.id) == ["1", "2"])
    #expect(qcow2.snapshots.map(\.virtualSize) == [3 << 20, 4 << 20])
    #expect(qcow2.features.contains(.init(kind: "compatible", bit: 0, name: "lazy refcounts")))
    // Nothing that the image names is opened: it may be gone.
    try Command("rm", [input.string]).run().expectingExit(0)
    let text = try Command.qdedup(["info", overlay.string]).run().expectingExit(0).output
    #expect(text.contains("\"in.img\", format raw (not opened)"))
    #expect(text.contains("id 1 \"first one\", disk 3 MiB"))
  }

  @Test("Names that would command a terminal are made visible")
  func namesThatWouldCommandTerminalAreMadeVisible() throws {
    let image = workspace.folder.file("image.qcow2")
    try QemuImage.run(
      ["create", "-q", "-f", "qcow2", "-u", "-F", "raw", "-b", "a\u{1B}[31mb", image.string, "1M"]
    ).expectingExit(0)
    let info = try Command.qdedup(["info", image.string]).run().expectingExit(0)
    let refusal = try workspace.run(from: image.string)
    #expect(refusal.exitCode == 1)
    for text in [info.output, refusal.errors] {
      #expect(!text.contains("\u{1B}") && text.contains("a\\u{1b}[31mb"), "\(text)")
    }
  }

  @Test("A pipe is refused for what it is")
  func pipeIsRefusedForWhatItIs() throws {
    let pipe = workspace.folder.file("pipe")
    try Command("mkfifo", [pipe.string]).run().expectingExit(0)
    let result = try Command.qdedup(["info", pipe.string]).run()
    #expect(result.exitCode == 1 && result.errors.contains("is a pipe, but"), "\(result)")
  }

  @Test("JSON holds nothing that a terminal obeys")
  func jsonHoldsNothingThatTerminalObeys() throws {
    let image = workspace.folder.file("image.qcow2")
    let name = "a\u{9B}31m\u{202E}b\u{1B}c\u{E0001}"
    try QemuImage.run(
      ["create", "-q", "-f", "qcow2", "-u", "-F", "raw", "-b", name, image.string, "1M"]
    ).expectingExit(0)
    let text = try Command.qdedup(["info", "--json", image.string]).run().expectingExit(0).output
    #expect(text.contains("a\\u009b31m\\u202eb\\u001bc\\udb40\\udc01"), "\(text)")
    #expect(try ImageDescription(of: image).qcow2?.backingFile?.name == name)
  }

  @Test("A raw image and a foreign one are described as such")
  func rawImageAndForeignOne() throws {
    let raw = try ImageDescription(of: input)
    #expect((raw.format, raw.virtualSize) == ("raw", 600 * 4096))
    #expect(raw.qcow2 == nil && raw.hashStore == nil)
    let other = workspace.folder.file("other.vmdk")
    _ = try QemuImage.converting(raw: input, to: other, format: "vmdk")
    let vmdk = try ImageDescription(of: other)
    #expect((vmdk.format, vmdk.virtualSize) == ("vmdk", nil))
  }

  @Test("Every fixture's description keeps to the published schema")
  func everyFixtureDescriptionKeepsToPublishedSchema() throws {
    let folder = workspace.folder.path
    let names = try Fixtures.names().filter { $0.hasSuffix(".qcow2") }
    try Fixtures.unpack(names, into: folder)
    var described: [FilePath] = []
    for name in names {
      let command = try Command.qdedup(["info", "--json", folder.appending(name).string])
      let result = try command.run().expectingExit(0, 1)
      if result.exitCode == 1 {
        #expect(result.errors.contains(name) && result.output.isEmpty, "\(result)")
        continue
      }
      let file = workspace.folder.file("\(name).json")
      try RawImage.write(result.standardOutput, to: file)
      described.append(file)
    }
    try expectValid(described, schema: "InfoSchema.json")
    #expect(described.count > 50)
  }

  @Test(
    "What cannot be described is refused with a message",
    arguments: [
      (["missing.img"], 1), (["/dev/null"], 1), (["/tmp"], 1),
      ([], 64), (["-"], 64), ([""], 64), (["a", "b"], 64),
    ] as [([String], Int32)])
  func whatCannotBeDescribedIsRefusedWithMessage(arguments: [String], code: Int32) throws {
    let result = try Command.qdedup(["info"] + arguments).run()
    #expect(result.exitCode == code, "\(result)")
    #expect(!result.errors.isEmpty && result.output.isEmpty)
  }

  @Test("The bit of the hash store has its name although the image's own table lacks it")
  func ownFeatureWithoutName() throws {
    try RawImage.write(RawImage.noise(count: 100_000, seed: 191), to: workspace.input)
    try workspace.convert()
    // QEMU writes its own table of names, and clears the bit; another program may keep it.
    try Command(
      "qemu-io", ["-f", "qcow2", "-c", "write 0 4k", workspace.output.string]
    ).run().expectingExit(0)
    var bytes = try RawImage.read(workspace.output)
    bytes[88] = 0x80
    try RawImage.write(bytes, to: workspace.output)
    let text = try Command.qdedup(["info", workspace.output.string]).run().output
    #expect(text.contains("hash store (autoclear bit 63)"), "\(text)")
  }
}
