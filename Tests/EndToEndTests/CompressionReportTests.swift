import SystemPackage
import TestSupport
import Testing

/// What a conversion says about compression.
@Suite struct CompressionReportTests {
  let workspace: Workspace
  var input: FilePath { workspace.input }
  var output: FilePath { workspace.output }

  init() throws { workspace = try Workspace() }

  /// The smallest and the largest size that the data of all descriptors may have together: each
  /// one's first and last sector hold at least a byte of it.
  private func possibleBytes(_ walker: QCOW2Walker) -> ClosedRange<UInt64> {
    let pieces = Dictionary(
      walker.mappings.map { ($0.entry, $0.compressedBytes) },
      uniquingKeysWith: { first, _ in first })
    let most = pieces.values.reduce(0, +)
    return most - pieces.values.reduce(0) { $0 + min(511, $1 - 1) }...most
  }

  private func expectConsistent(
    _ report: Report, clusterSize: UInt64, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let (clusters, bytes, ratios) = (report.clusters, report.bytes, report.ratios)
    let unique = clusters.unique * clusterSize
    let possible = possibleBytes(try QCOW2Walker.walked(output))
    #expect(possible.contains(bytes.written), sourceLocation: sourceLocation)
    #expect(bytes.data == clusters.data * clusterSize, sourceLocation: sourceLocation)
    #expect(
      bytes.savedByDedup == clusters.duplicate * clusterSize, sourceLocation: sourceLocation)
    #expect(
      bytes.savedByCompression == (unique > bytes.written ? unique - bytes.written : 0),
      sourceLocation: sourceLocation)
    let expected = [
      Double(bytes.data) / Double(unique), Double(unique) / Double(bytes.written),
      Double(bytes.data) / Double(bytes.written),
    ]
    for (ratio, expected) in zip([ratios.dedup, ratios.compression, ratios.total], expected) {
      #expect(abs(ratio - expected) < 0.001 * expected, sourceLocation: sourceLocation)
    }
    #expect(report.output.fileSize >= bytes.written, sourceLocation: sourceLocation)
    #expect(
      report.output.fileSize == UInt64(try RawImage.size(of: output)),
      sourceLocation: sourceLocation)
  }

  @Test(
    "The numbers fit each other and the file", arguments: CompressedImage.types,
    [512, 4096, 65_536] as [UInt64])
  func numbersFitEachOtherAndFile(type: String, size: UInt64) throws {
    let bytes = RawImage.mixtureWithTexts(clusters: 800, size: 4096, seed: 31)
    try RawImage.write(bytes + bytes, to: input)
    let report = try workspace.convert(CompressedImage.options(type, "--cluster-size", "\(size)"))
    try expectCompressed(output, equals: input, with: type)
    try expectConsistent(report, clusterSize: size)
    #expect(report.output.compression == type)
    #expect(report.bytes.savedByCompression > 0)
    #expect(report.ratios.compression > 1)
    #expect(report.ratios.total > report.ratios.dedup)
  }

  @Test("What noise costs is not called saved", arguments: CompressedImage.types)
  func whatNoiseCostsIsNotCalledSaved(type: String) throws {
    try RawImage.write(RawImage.noise(count: 4 << 20, seed: 32), to: input)
    let report = try workspace.convert(CompressedImage.options(type))
    try expectConsistent(report, clusterSize: 4096)
    #expect(report.bytes.written > report.bytes.data)
    #expect(report.bytes.savedByCompression == 0)
    #expect(report.ratios.compression < 1)
    #expect(report.ratios.compression > 0.98)
    let text = try workspace.run(CompressedImage.options(type, "--force")).expectingExit(0).output
    let part = #/compressed +4(\.\d)? MiB by \w+, [01]\.\d % more\n/#
    #expect(text.contains(part) && !text.contains("saved"), "\(text)")
  }

  @Test("A plain image says none")
  func plainImageSaysNone() throws {
    try RawImage.write(RawImage.mixtureWithTexts(clusters: 50, size: 4096, seed: 33), to: input)
    let report = try workspace.convert()
    #expect(report.output.compression == "none")
    #expect(report.bytes.savedByCompression == 0)
    #expect(report.ratios.compression == 1)
  }

  @Test(
    "The warning about shared clusters is for plain images only", arguments: CompressedImage.types)
  func warningAboutSharedClustersIsForPlainImagesOnly(type: String) throws {
    let twin = RawImage.noise(count: 4096, seed: 34)
    try RawImage.write(twin + twin, to: input)
    #expect(try workspace.convert(CompressedImage.options(type)).warnings == [])
    #expect(try workspace.convert(["--force"]).warnings.isEmpty == false)
  }
}
