import SystemPackage
import TestSupport
import Testing

/// Every variant of qcow2 under `Fixtures`, against what is known about it.
@Suite struct QCOW2InputFixtureTests {
  let workspace: Workspace
  var output: FilePath { workspace.output }
  var expected: FilePath { workspace.folder.file("expected.img") }

  init() throws { workspace = try Workspace() }

  @Test("A readable fixture is read right", arguments: ReadableFixture.all)
  func readableFixtureIsReadRight(_ fixture: ReadableFixture) throws {
    let image = try fixture.unpack(into: workspace.folder.path)
    try fixture.writeExpected(to: expected)
    let before = try RawImage.read(image)
    let report = try workspace.convert(fixture.options, from: image.string)
    let walker = try expectSound(output, equals: expected)
    #expect(walker.header.virtualSize == UInt64(fixture.size))
    #expect(report.input.format == "qcow2")
    #expect(report.input.virtualSize == UInt64(fixture.size))
    #expect(report.input.fileSize == UInt64(before.count))
    #expect(try RawImage.read(image) == before, "the input was written to")
  }

  @Test(
    "A readable fixture is read right with all checks and in other clusters",
    arguments: ReadableFixture.all)
  func isReadRightWithAllChecksAndInOtherClusters(_ fixture: ReadableFixture) throws {
    let image = try fixture.unpack(into: workspace.folder.path)
    try fixture.writeExpected(to: expected)
    let options = fixture.options + ["-f", "qcow2", "--verify", "-c", "--cluster-size", "64K"]
    let report = try workspace.convert(options, from: image.string)
    #expect(report.verified)
    try expectSound(output, equals: expected)
  }

  @Test(
    "A readable fixture holds what its line says, as QEMU reads it", arguments: ReadableFixture.all)
  func holdsWhatItsLineSays(_ fixture: ReadableFixture) throws {
    let image = try fixture.unpack(into: workspace.folder.path)
    try fixture.writeExpected(to: expected)
    let theirs = workspace.folder.file("theirs.img")
    try QemuImage(image).writeRaw(to: theirs, snapshot: fixture.snapshot)
    #expect(try RawImage.read(theirs) == RawImage.read(expected))
  }

  @Test(
    "Names a file, so it is refused without permission",
    arguments: ReadableFixture.all.filter { !$0.others.isEmpty })
  func namesFile(_ fixture: ReadableFixture) throws {
    let image = try fixture.unpack(into: workspace.folder.path)
    try expectRefusal(
      try workspace.run(from: image.string), naming: image.string, fixture.others[0],
      "--allow-external-files", leaving: workspace)
  }

  @Test(
    "A fixture is a disk of its own bytes with -f raw",
    arguments: ReadableFixture.layouts + ReadableFixture.compressed)
  func isDiskOfItsOwnBytesWithFRaw(_ fixture: ReadableFixture) throws {
    let image = try fixture.unpack(into: workspace.folder.path)
    let report = try workspace.convert(["-f", "raw"], from: image.string)
    try expectSound(output, equals: image)
    #expect(report.input.format == "raw")
  }

  @Test("Every fixture has its line")
  func everyFixtureHasItsLine() throws {
    let known = ReadableFixture.all.flatMap { [$0.name] + $0.others }
    let refused = RefusedFixture.all.flatMap { [$0.name] + $0.others }
    #expect(try Set(Fixtures.names()) == Set(known + refused))
  }
}
