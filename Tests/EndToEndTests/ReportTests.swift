import Foundation
import SystemPackage
import TestSupport
import Testing

/// What a conversion says about itself.
@Suite struct ReportTests {
  let workspace: Workspace
  var input: FilePath { workspace.input }
  var output: FilePath { workspace.output }

  init() throws {
    workspace = try Workspace()
    let mixture = RawImage.mixture(clusters: 3000, size: 4096, kinds: 100, seed: 31)
    try RawImage.write(mixture, to: workspace.input)
  }

  @Test("The numbers of the report fit each other and the file")
  func numbersOfReportFitEachOtherAndFile() throws {
    let report = try workspace.convert()
    let walker = try expectSound(output, equals: input)
    let (clusters, bytes, store) = (report.clusters, report.bytes, report.hashStore)
    #expect(report.reportVersion >= 1)
    #expect(report.command == "convert")
    #expect(report.input.path == input.string)
    #expect(report.input.format == "raw")
    #expect(report.input.virtualSize == 3000 * 4096)
    #expect(report.input.fileSize == 3000 * 4096)
    #expect(report.output.path == output.string)
    #expect(report.output.virtualSize == 3000 * 4096)
    #expect(report.output.fileSize == UInt64(try RawImage.size(of: output)))
    #expect(report.output.allocatedBytes > 0)
    #expect(clusters.total == 3000)
    #expect(clusters.total == clusters.zero + clusters.unique + clusters.duplicate)
    #expect(clusters.data == clusters.unique + clusters.duplicate)
    #expect(clusters.data == UInt64(walker.mappings.count))
    #expect(bytes.data == clusters.data * 4096)
    #expect(bytes.savedByDedup == clusters.duplicate * 4096)
    #expect(bytes.savedByCompression == 0)
    #expect(bytes.written == bytes.data - bytes.savedByDedup)
    #expect(abs(report.ratios.dedup - Double(clusters.data) / Double(clusters.unique)) < 0.01)
    #expect(abs(report.ratios.total - report.ratios.dedup) < 0.01)
    #expect(report.ratios.compression == 1)
    #expect(store.present)
    #expect(store.entriesPerIncarnation == 4 << UInt64(store.order))
    #expect(store.lookups >= clusters.data)
    #expect(store.logStoreHits + store.incarnationHits == clusters.duplicate)
    #expect(store.maxIncarnations == 128)
    let walked = try #require(try WalkedStore.of(walker))
    #expect(store.incarnations == UInt64(walked.incarnationOffsets.count))
    #expect(store.limbo == UInt64(walked.limboOffsets.count))
    #expect(store.order == walked.order)
    let areas = UInt64(walked.incarnationOffsets.count + walked.limboOffsets.count)
    #expect(store.bytesOnDisk == areas * walked.bytesPerIncarnation(clusterSize: 4096))
    #expect(walked.maxIncarnations == 128)
    #expect(report.maxReferences == walker.refcounts.max())
    #expect(report.verified == false)
  }

  @Test(
    "The report keeps to its published schema",
    arguments: [[], ["--no-hash-store"], ["--verify"], ["--log-store-order", "4"]])
  func reportKeepsToItsPublishedSchema(options: [String]) throws {
    let report = workspace.folder.file("report.json")
    let options = options + ["--report", "json", "--report-file", report.string, "-q"]
    try workspace.run(options).expectingExit(0)
    try expectValid(report, schema: "ReportSchema.json")
  }

  @Test("The report of a pipe keeps to its published schema")
  func reportOfPipeKeepsToItsPublishedSchema() throws {
    let report = workspace.folder.file("report.json")
    var command = try workspace.conversion(
      ["--report", "json", "--report-file", report.string], from: "-")
    command.input = .pipe(contentsOf: input)
    try command.run().expectingExit(0)
    try expectValid(report, schema: "ReportSchema.json")
  }

  @Test("The report of a compressed image fits its schema", arguments: CompressedImage.types)
  func reportOfCompressedImageFitsItsSchema(type: String) throws {
    let report = workspace.folder.file("report.json")
    try workspace.convert(CompressedImage.options(type, "--report-file", report.string))
    try expectValid(report, schema: "ReportSchema.json")
  }

  @Test("--quiet says nothing at all")
  func quietSaysNothingAtAll() throws {
    for option in ["-q", "--quiet"] {
      let result = try workspace.run([option, "--force"]).expectingExit(0)
      #expect(result.output == "")
      #expect(result.errors == "")
    }
  }

  @Test("Without a terminal standard error stays empty")
  func withoutTerminalStandardErrorStaysEmpty() throws {
    let result = try workspace.run().expectingExit(0)
    #expect(result.errors == "")
    #expect(result.output.contains("\u{1b}") == false)
    #expect(result.output.isEmpty == false)
  }

  @Test("--report none says nothing, and progress never neither")
  func reportNoneSaysNothing() throws {
    let result = try workspace.run(["--report", "none", "--progress", "never"]).expectingExit(0)
    #expect(result.output == "")
    #expect(result.errors == "")
  }

  @Test("The report goes to a file as well")
  func reportGoesToFileAsWell() throws {
    let file = workspace.folder.file("report.json")
    let result = try workspace.run(["--report", "json", "--report-file", file.string])
    try result.expectingExit(0)
    let fromFile = try Report(json: try RawImage.read(file))
    #expect(fromFile.clusters.total == 3000)
    #expect(try Report(json: result.standardOutput).clusters.unique == fromFile.clusters.unique)
  }

  @Test("Progress as JSON is one object a line on standard error")
  func progressAsJSONIsOneObjectLineOnStandardError() throws {
    let result = try workspace.run(["--progress", "json"]).expectingExit(0)
    let lines = result.errors.split(separator: "\n")
    #expect(lines.isEmpty == false)
    for line in lines {
      let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
      #expect(object is [String: Any], "\(line)")
    }
  }

  @Test("--progress always is shown without a terminal too")
  func progressAlwaysIsShownWithoutTerminalToo() throws {
    let result = try workspace.run(["--progress", "always"]).expectingExit(0)
    #expect(result.errors.isEmpty == false)
  }
}
