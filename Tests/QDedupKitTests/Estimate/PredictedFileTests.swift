import DiskImage
import QCOW2
import QDedupKit
import SystemPackage
import TestSupport
import Testing

/// Files as they are predicted from counts, beside those that conversions write.
@Suite struct PredictedFileTests {
  private func l2Tables(_ path: FilePath) throws -> UInt64 {
    var walker = try QCOW2Walker(path)
    try walker.walk()
    return walker.l2Tables
  }

  private func content(
    of report: ConversionReport, l2Tables: UInt64, _ options: ConvertOptions
  ) -> PredictedFile.Content {
    PredictedFile.Content(
      virtualSize: report.output.virtualSize, dataClusters: report.clusters.data,
      uniqueClusters: report.clusters.unique, l2Tables: l2Tables,
      compressedBytes: options.output.compression == nil ? nil : report.bytes.written,
      method: options.output.compression?.method, highestReferences: report.maxReferences,
      keepsHashStore: options.store.isKept)
  }

  @Test(
    "A plain file has exactly the predicted size when its counts are known",
    arguments: [512, 4096, 65_536], [true, false])
  func plainFileExactlyPredictedSizeCountsKnown(
    size: Int, keepsStore: Bool
  ) throws {
    for (clusters, distinct) in [(1, 1), (130, 100), (1500, 900)] {
      let disk = Disks.random(clusters: clusters, clusterSize: size, distinct: distinct, seed: 4)
      // After a hole, so that no place is left free because data must not be at its own.
      let hole = [UInt8](repeating: 0, count: 5 << 20)
      var trial = try Trial(hole + disk.bytes, clusterSize: size)
      trial.options.store.isKept = keepsStore
      let report = try trial.convert()
      let tables = try l2Tables(trial.options.output.path)
      let file = PredictedFile(
        content(of: report, l2Tables: tables, trial.options), trial.options.output.geometry)
      #expect(file.byteCount == report.output.fileSize, "\(clusters) clusters")
      #expect(
        file.storeClusters << UInt64(size.trailingZeroBitCount) >= report.hashStore.bytesOnDisk
          || !keepsStore)
    }
  }

  @Test("A file with several incarnations has exactly the predicted size")
  func fileWithSeveralIncarnationsExactlyPredictedSize() throws {
    let trial = try Trial(Disks.unique(clusters: 70_000, clusterSize: 512), clusterSize: 512)
    let report = try trial.convert()
    #expect(report.hashStore.incarnations == 2)
    let tables = try l2Tables(trial.options.output.path)
    let file = PredictedFile(
      content(of: report, l2Tables: tables, trial.options), trial.options.output.geometry)
    #expect(file.byteCount == report.output.fileSize)
  }

  @Test(
    "A compressed file is within a hundredth of what its compressed bytes ask for",
    arguments: Compression.Method.allCases, [4096, 16_384, 65_536])
  func compressedFileWithinHundredthWhatCompressedBytesAsk(
    method: Compression.Method, size: Int
  ) throws {
    let text = RawImage.mixture(clusters: 3000, size: 4096, kinds: 2500, seed: 6)
    var trial = try Trial(text, clusterSize: size)
    trial.options.output.compression = Compression(method)
    let report = try trial.convert()
    let tables = try l2Tables(trial.options.output.path)
    let file = PredictedFile(
      content(of: report, l2Tables: tables, trial.options), trial.options.output.geometry)
    let error = Double(file.byteCount) / Double(report.output.fileSize) - 1
    #expect(abs(error) < 0.01, "\(file) against \(report.output.fileSize)")
  }

  @Test(
    "No file is larger than its bound, not one of noise either",
    arguments: [nil, .zlib, .zstd] as [Compression.Method?], [512, 4096, 131_072])
  func noFileLargerThanBoundNotOneNoise(
    method: Compression.Method?, size: Int
  ) throws {
    var trial = try Trial(RawImage.noise(count: 6 << 20, seed: 8), clusterSize: size)
    trial.options.output.compression = method.flatMap { Compression($0) }
    let report = try trial.convert()
    let tables = try l2Tables(trial.options.output.path)
    let bound = PredictedFile.upperBound(
      content(of: report, l2Tables: tables, trial.options), trial.options.output.geometry)
    #expect(bound.byteCount >= report.output.fileSize)
    #expect(bound.byteCount < report.output.fileSize * 11 / 10 + 1 << 20)
  }
}
