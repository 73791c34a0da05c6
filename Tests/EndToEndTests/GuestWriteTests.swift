import SystemPackage
import TestSupport
import Testing

/// What becomes of an image when a guest, or `qemu-img`, writes to it.
@Suite struct GuestWriteTests {
  let workspace: Workspace
  var input: FilePath { workspace.input }
  var output: FilePath { workspace.output }

  /// Clusters: a twin pair, three equal ones, zeros, ones that stand alone, and a cut-off end.
  init() throws {
    workspace = try Workspace()
    let twin = RawImage.noise(count: 4096, seed: 61)
    let triplet = RawImage.noise(count: 4096, seed: 62)
    let zeros = [UInt8](repeating: 0, count: 4 * 4096)
    let alone = RawImage.noise(count: 8 * 4096, seed: 63)
    let bytes = twin + triplet + zeros + alone + triplet + twin + triplet + alone[..<513]
    try RawImage.write(bytes, to: workspace.input)
    try workspace.convert()
    try expectSound(workspace.output, equals: workspace.input)
  }

  private func writeToBoth(_ commands: String...) throws {
    try writeToBoth(commands)
  }

  private func writeToBoth(_ commands: [String]) throws {
    try QemuImage(output).perform(commands)
    try QemuImage(input, format: "raw").perform(commands)
  }

  private func expectSameContent(sourceLocation: SourceLocation = #_sourceLocation) throws {
    let comparison = try QemuImage(output).compare(withRaw: input)
    #expect(comparison.exitCode == 0, "\(comparison)", sourceLocation: sourceLocation)
  }

  @Test("QEMU marks the hash store as stale before it writes")
  func qemuMarksHashStoreAsStaleBeforeItWrites() throws {
    #expect(try QCOW2Walker(output).header.hashStoreIsValid)
    try writeToBoth("write -P 17 8192 4096")
    let walker = try QCOW2Walker(output)
    #expect(walker.header.hashStoreIsValid == false)
    #expect(try WalkedStore.of(walker) == nil)
    try expectSameContent()
  }

  @Test("Reading leaves the hash store valid")
  func readingLeavesHashStoreValid() throws {
    try QemuImage.run(["map", output.string]).expectingExit(0)
    try QemuImage(output).check().expectingExit(0)
    #expect(try QCOW2Walker(output).header.hashStoreIsValid)
  }

  @Test("Writes to zero clusters and to unshared ones keep the image clean")
  func writesToZeroClustersAndToUnsharedOnesKeepImage() throws {
    try writeToBoth(
      "write -P 1 8192 4096", "write -P 2 12300 100", "write -P 3 28672 512",
      "write -P 4 32768 8192", "write -z 40960 4096")
    try expectSameContent()
    try QemuImage(output).check().expectingExit(0)
  }

  @Test("A write to one of three sharers changes that one only, and the image stays clean")
  func writeToOneOfThreeSharersChangesThatOneOnly()
    throws
  {
    try writeToBoth("write -P 9 5000 30")
    try expectSameContent()
    try QemuImage(output).check().expectingExit(0)
  }

  @Test("A write to one of two sharers changes that one only, and a repair settles the flag")
  func writeToOneOfTwoSharersChangesThatOneOnly()
    throws
  {
    try writeToBoth("write -P 9 0 4096")
    try expectSameContent()
    let check = try QemuImage(output).check()
    #expect(check.exitCode == 2)
    #expect(check.errors.contains("OFLAG_COPIED"), "\(check)")
    try QemuImage(output).check(repair: "all").expectingExit(0)
    try QemuImage(output).check().expectingExit(0)
    try expectSameContent()
  }

  @Test("200 seeded writes all over the disk leave the right content")
  func seededWritesAllOverDiskLeaveRightContent() throws {
    var random = SplitMix64(seed: 64)
    let writes = (0..<200).map { _ in
      let offset = random.next() % (16 * 4096)
      let length = 1 + random.next() % 9000
      let pattern = 1 + random.next() % 255
      return "write -P \(pattern) \(offset) \(min(length, 17 * 4096 - offset))"
    }
    try writeToBoth(writes)
    try expectSameContent()
    try QemuImage(output).check(repair: "all").expectingExit(0)
    try expectSameContent()
  }

  @Test(
    "A disk made larger reads zeros where it has grown",
    arguments: [Int64(100_000), 131_072, 5 << 20, 3 << 30])
  func diskMadeLargerReadsZerosWhereItHasGrown(size: Int64) throws {
    let size = size / 512 * 512
    try QemuImage(output).resize(to: UInt64(size))
    try QemuImage(input, format: "raw").resize(to: UInt64(size))
    try expectSameContent()
    #expect(try QemuImage(output).info().virtualSize == UInt64(size))
    try QemuImage(output).check().expectingExit(0)
  }

  @Test("An overlay on the image leaves it as it is")
  func overlayOnImageLeavesItAsItIs() throws {
    let before = try RawImage.read(output)
    let overlay = workspace.folder.file("overlay.qcow2")
    try QemuImage.run([
      "create", "-f", "qcow2", "-b", output.string, "-F", "qcow2", overlay.string,
    ]).expectingExit(0)
    try QemuImage(overlay).perform("write -P 5 0 9000")
    try QemuImage(input, format: "raw").perform("write -P 5 0 9000")
    #expect(try QemuImage(overlay).compare(withRaw: input).exitCode == 0)
    #expect(try RawImage.read(output) == before)
  }
}
