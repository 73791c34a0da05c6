import SystemPackage
import TestSupport
import Testing

/// Disks that lie: what the program says, and that no output is left.
@Suite struct FaultyDiskTests {
  let workspace: Workspace
  let disk: FaultyDisk

  init() throws {
    workspace = try Workspace()
    disk = try FaultyDisk(in: workspace.folder)
    // 3 MiB that compress well, then the first half of them again.
    let data = RawImage.numbered(clusters: 768, size: 4096)
    try RawImage.write(data + data[..<(data.count / 2)], to: workspace.input)
  }

  /// Where a sound output has its refcount block, L1 table and first L2 table.
  private func places(_ options: [String]) throws -> [String: UInt64] {
    try workspace.convert(options)
    let bytes = try TemporaryDirectory.content(of: workspace.output)
    func word(_ offset: UInt64) -> UInt64 {
      bytes[Int(offset)..<Int(offset) + 8].reduce(0) { $0 << 8 | UInt64($1) }
    }
    let (l1, table) = (word(40), word(48))
    try Command("rm", [workspace.output.string]).run().expectingExit(0)
    return [
      "refcounts": word(table), "L1": l1, "L2": word(l1) & 0x00FF_FFFF_FFFF_FE00,
      "data": word(word(l1) & 0x00FF_FFFF_FFFF_FE00) & 0x3FFF_FFFF_FFFF,
    ]
  }

  @Test(
    "--verify finds a byte that the disk did not write as asked",
    arguments: ["refcounts", "L1", "L2", "data"])
  func flippedByteIsFoundByVerify(part: String) throws {
    let place = try #require(try places(["--verify"])[part])
    // In tables the flipped bit is COPIED, in refcounts the high byte of a count, in data any.
    let offset = part == "refcounts" ? place + 2 : place
    let verified = try disk.flipping(
      0x80, at: offset, try workspace.conversion(["--verify"])
    ).run()
    #expect(verified.exitCode == 1, "\(verified)")
    #expect(verified.errors.contains("verification failed"), "\(verified)")
    #expect(try workspace.outputNames() == [])
    // Without it nobody notices, so the byte was really flipped.
    try disk.flipping(0x80, at: offset, try workspace.conversion()).run().expectingExit(0)
    let check = try QemuImage(workspace.output).check()
    let compared = try QemuImage(workspace.output).compare(withRaw: workspace.input)
    #expect(check.exitCode != 0 || compared.exitCode != 0)
  }

  @Test("A compressed cluster that does not come back as it was written stops the conversion")
  func damagedReadBack() throws {
    let options = ["-c", "--cluster-size", "4K"]
    let place = try #require(try places(options)["data"])
    // Makes the type of the first deflate block one that does not exist.
    let result = try disk.flipping(0x02, at: place, try workspace.conversion(options)).run()
    #expect(result.exitCode == 1, "\(result)")
    #expect(result.errors.contains("is not what comes back"), "\(result)")
    #expect(result.errors.contains("at byte \(place)"), "\(result)")
    #expect(try workspace.outputNames() == [])
  }

  @Test("A filter that cannot be read leaves the check incomplete, not valid and not corrupt")
  func unreadableFilter() throws {
    try workspace.convert(["--log-store-order", "6"])
    let store = try #require(try ImageDescription(of: workspace.output).hashStore)
    let place = store.incarnations[0].offset
    let check = try Command.qdedup(["check", "--data", workspace.output.string])
    let sound = try check.run()
    #expect(sound.exitCode == 0, "\(sound)")
    let failed = try disk.failingReads(1, at: place, check).run()
    #expect(failed.exitCode == 1, "\(failed)")
    #expect(failed.output.contains("cannot read"), "\(failed)")
  }
}
