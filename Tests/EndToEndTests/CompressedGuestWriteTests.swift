import SystemPackage
import TestSupport
import Testing

/// A compressed image stays clean when a guest writes to it.
@Suite struct CompressedGuestWriteTests {
  let workspace: Workspace
  var input: FilePath { workspace.input }
  var output: FilePath { workspace.output }

  init() throws { workspace = try Workspace() }

  private func writeToBoth(_ commands: String...) throws {
    try writeToBoth(commands)
  }

  private func writeToBoth(_ commands: [String]) throws {
    try QemuImage(output).perform(commands)
    try QemuImage(input, format: "raw").perform(commands)
  }

  private func expectCleanAndSame(sourceLocation: SourceLocation = #_sourceLocation) throws {
    let check = try QemuImage(output).check()
    #expect(check.exitCode == 0, "\(check)", sourceLocation: sourceLocation)
    let comparison = try QemuImage(output).compare(withRaw: input)
    #expect(comparison.exitCode == 0, "\(comparison)", sourceLocation: sourceLocation)
  }

  @Test(
    "200 seeded writes all over the disk leave the right content and a clean image",
    arguments: CompressedImage.types, [512, 4096, 65_536])
  func seededWritesAllOverDiskLeaveRightContentAndClean(
    type: String, clusterSize: Int
  ) throws {
    let bytes = RawImage.mixtureWithTexts(clusters: 60, size: clusterSize, seed: 65)
    try RawImage.write(bytes + bytes, to: input)
    try workspace.convert(CompressedImage.options(type, "--cluster-size", "\(clusterSize)"))
    try expectCompressed(output, equals: input, with: type)
    var random = SplitMix64(seed: 64)
    let count = UInt64(bytes.count * 2)
    let writes = (0..<200).map { round in
      let offset = random.next() % count
      let length = min(1 + random.next() % UInt64(2 * clusterSize), count - offset)
      let what = round % 7 == 3 ? "-z" : "-P \(1 + random.next() % 255)"
      return "write \(what) \(offset) \(length)"
    }
    try writeToBoth(writes)
    try expectCleanAndSame()
    #expect(try QCOW2Walker(output).header.hashStoreIsValid == false)
  }

  @Test("A write to one of two sharers leaves a clean image", arguments: CompressedImage.types)
  func writeToOneOfTwoSharersLeavesCleanImage(type: String) throws {
    let twin = RawImage.noise(count: 4096, seed: 61)
    try RawImage.write(twin + RawImage.noise(count: 8192, seed: 62) + twin, to: input)
    #expect(try workspace.convert(CompressedImage.options(type)).clusters.duplicate == 1)
    try writeToBoth("write -P 9 100 3000")
    try expectCleanAndSame()
    try writeToBoth("write -P 9 12288 4096")
    try expectCleanAndSame()
  }

  @Test(
    "A snapshot of an image with many references, and writes after it, leave it clean",
    arguments: CompressedImage.types)
  func snapshotOfImageWithManyReferences(
    type: String
  ) throws {
    try RawImage.equal(at: input, count: 33_500 * 512, byte: 0x5a)
    let report = try workspace.convert(CompressedImage.options(type, "--cluster-size", "512"))
    #expect(report.output.refcountBits == 32)
    try QemuImage.run(["snapshot", "-c", "first", output.string]).expectingExit(0)
    try writeToBoth("write -P 3 70000 9000")
    try expectCleanAndSame()
  }
}
