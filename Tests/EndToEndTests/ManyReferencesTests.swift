import SystemPackage
import TestSupport
import Testing

/// Clusters that very many guest clusters share.
@Suite struct ManyReferencesTests {
  let workspace: Workspace
  var input: FilePath { workspace.input }
  var output: FilePath { workspace.output }

  init() throws { workspace = try Workspace() }

  @Test("Up to 32,767 references fit 16 bits", arguments: [("4K", 4096), ("512", 512)])
  func upTo32(option: String, size: Int) throws {
    try RawImage.equal(at: input, count: 32_767 * size, byte: 0xa5, hole: 5 << 20)
    let report = try workspace.convert(["--cluster-size", option, "--hash-store"])
    let walker = try expectSound(output, equals: input)
    #expect(walker.header.refcountOrder == 4)
    #expect(report.output.refcountBits == 16)
    #expect(report.maxReferences == 32_767)
    #expect(report.clusters.unique == 1)
  }

  @Test(
    "More than 32,767 references make refcounts of 32 bits, so that a snapshot works",
    arguments: [("4K", 4096), ("512", 512)])
  func moreThan32(
    option: String, size: Int
  ) throws {
    try RawImage.equal(at: input, count: 32_768 * size, byte: 0xa5, hole: 5 << 20)
    let report = try workspace.convert(["--cluster-size", option, "--hash-store"])
    let walker = try expectSound(output, equals: input)
    #expect(walker.header.refcountOrder == 5)
    #expect(try QemuImage(output).info().formatSpecific?.data.refcountBits == 32)
    #expect(report.output.refcountBits == 32)
    #expect(report.maxReferences == 32_768)
    #expect(walker.refcounts.max() == 32_768)
    #expect(report.clusters.unique == 1)
    #expect(report.clusters.duplicate == 32_767)
    let written = workspace.folder.file("written.qcow2")
    try workspace.convert(["--cluster-size", option, "--hash-store"], to: written)
    let copy = workspace.folder.file("copy.img")
    try RawImage.write(try RawImage.read(input), to: copy)
    try expectWritable(written, equals: copy)
    try QemuImage.run(["snapshot", "-c", "first", output.string]).expectingExit(0)
    let check = try QemuImage(output).check()
    #expect(check.exitCode == 0, "\(check)")
    #expect(try QemuImage(output).compare(withRaw: input).exitCode == 0)
  }
}
