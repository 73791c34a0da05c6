import DiskImage
import QCOW2
import QDedupKit
import TestSupport
import Testing

/// Files as they are predicted from counts, beside those that conversions write.
@Suite struct PredictedFileTests {
  private func content(
    of report: ConversionReport, l2Tables: UInt64, _ options: ConvertOptions
  ) -> PredictedFile.Content {
    PredictedFile.Content(
      virtualSize: report.output.virtualSize, dataClusters: report.clusters.data,
      uniqueClusters: report.clusters.unique, l2Tables: l2Tables,
      compressedBytes: options.compression == nil ? nil : report.bytes.written,
      method: options.compression?.method, highestReferences: report.maxReferences,
      keepsHashStore: options.keepsHashStore)
  }

  @Test(arguments: [512, 4096, 65_536], [true, false])
  func `A plain file has exactly the predicted size when its counts are known`(
    size: Int, keepsStore: Bool
  ) throws {
    for (clusters, distinct) in [(0, 1), (1, 1), (130, 100), (1500, 900)] {
      let disk = Disks.random(clusters: clusters, clusterSize: size, distinct: distinct, seed: 4)
      var trial = try Trial(disk.bytes, clusterSize: size)
      trial.options.keepsHashStore = keepsStore
      let report = try trial.convert()
      let tables = try QCOW2Walker(trial.options.output).l2Tables
      let file = PredictedFile(
        content(of: report, l2Tables: tables, trial.options), trial.options.geometry)
      #expect(file.byteCount == report.output.fileSize, "\(clusters) clusters")
      #expect(file.storeClusters << UInt64(size.trailingZeroBitCount) >= report.hashStore.bytesOnDisk || !keepsStore)
    }
  }

  @Test func `A file with several incarnations has exactly the predicted size`() throws {
    let trial = try Trial(Disks.unique(clusters: 70_000, clusterSize: 512), clusterSize: 512)
    let report = try trial.convert()
    #expect(report.hashStore.incarnations == 2)
    let tables = try QCOW2Walker(trial.options.output).l2Tables
    let file = PredictedFile(
      content(of: report, l2Tables: tables, trial.options), trial.options.geometry)
    #expect(file.byteCount == report.output.fileSize)
  }

  @Test(arguments: Compression.Method.allCases, [4096, 16_384, 65_536])
  func `A compressed file is within a hundredth of what its compressed bytes ask for`(
    method: Compression.Method, size: Int
  ) throws {
    let text = RawImage.mixture(clusters: 3000, size: 4096, kinds: 2500, seed: 6)
    var trial = try Trial(text, clusterSize: size)
    trial.options.compression = Compression(method)
    let report = try trial.convert()
    let tables = try QCOW2Walker(trial.options.output).l2Tables
    let file = PredictedFile(
      content(of: report, l2Tables: tables, trial.options), trial.options.geometry)
    let error = Double(file.byteCount) / Double(report.output.fileSize) - 1
    #expect(abs(error) < 0.01, "\(file) against \(report.output.fileSize)")
  }

  @Test(arguments: [nil, .zlib, .zstd] as [Compression.Method?], [512, 4096, 131_072])
  func `No file is larger than its bound, not one of noise either`(
    method: Compression.Method?, size: Int
  ) throws {
    var trial = try Trial(RawImage.noise(count: 6 << 20, seed: 8), clusterSize: size)
    trial.options.compression = method.flatMap { Compression($0) }
    let report = try trial.convert()
    let tables = try QCOW2Walker(trial.options.output).l2Tables
    let bound = PredictedFile.upperBound(
      content(of: report, l2Tables: tables, trial.options), trial.options.geometry)
    #expect(bound.byteCount >= report.output.fileSize)
    #expect(bound.byteCount < report.output.fileSize * 11 / 10 + 1 << 20)
  }
}

extension QCOW2Walker {
  /// How many L2 tables the image has.
  fileprivate var l2Tables: UInt64 { UInt64(l1Entries.count { $0 != 0 }) }
}
