import DiskImage
import QCOW2
import QDedupKit
import SystemPackage
import Testing
import TestSupport

/// One conversion in a temporary folder, with everything that can be turned.
struct Trial {
  let scratch: TemporaryDirectory
  var options: ConvertOptions
  var tuning = ConversionTuning(maxReferences: RefcountWidth.highest)
  var progress = Progress()

  /// A conversion of the file `disk.raw`, which is made of these bytes.
  init(_ disk: [UInt8], clusterSize: Int = 4096, threads: Int = 2) throws {
    scratch = try TemporaryDirectory()
    options = ConvertOptions(
      input: .file(try scratch.make("disk.raw", disk)), output: scratch.file("disk.qcow2"),
      geometry: try #require(ClusterGeometry(clusterSize: clusterSize)), threads: threads)
    options.output.syncs = false
  }

  /// Converts.
  func convert() throws(ConversionError) -> ConversionReport {
    try Converter(options, progress: progress, tuning: tuning).run()
  }

  /// Converts, and has QEMU check the output and compare it with the input.
  func convertAndCompare() throws -> ConversionReport {
    let report = try convert()
    let image = QemuImage(options.output.path)
    try image.check().expectingExit(0)
    try image.compare(withRaw: scratch.file("disk.raw")).expectingExit(0)
    let clusters = report.clusters
    #expect(clusters.data == clusters.unique + clusters.duplicate)
    #expect(clusters.total == clusters.zero + clusters.data)
    return report
  }

  /// Converts in vain.
  ///
  /// - Returns: What the error says. Nothing may be in the folder that was not there before.
  func failure() throws -> String? { try failingError()?.description }

  /// Converts in vain.
  ///
  /// - Returns: The error. Nothing may be in the folder that was not there before.
  func failingError() throws -> ConversionError? {
    let before = try scratch.names()
    let error = #expect(throws: ConversionError.self) { try convert() }
    #expect(try scratch.names() == before)
    return error
  }

  /// The bytes of the output.
  func output() throws -> [UInt8] { try TemporaryDirectory.content(of: options.output.path) }
}
