internal import DiskImage
internal import QCOW2

/// Chooses the cluster size of a conversion by what files of each size would take.
///
/// It reads the whole input once before the conversion does. What it chooses depends on the content,
/// the compression and whether the hash store is kept: not on threads, memory or time.
struct ClusterSizeSearch {
  /// What it chose, and why.
  let choice: ConversionReport.ClusterSizeChoice

  /// Looks at an image.
  ///
  /// - Parameters:
  ///   - image: The input of the conversion.
  ///   - name: Its name, for messages.
  ///   - options: The conversion's.
  ///   - progress: Where to count, and asked whether to go on.
  /// - Throws: `ConversionError`.
  init(
    _ image: any ImageSource, name: String, _ options: ConvertOptions, progress: Progress
  ) throws(ConversionError) {
    let begin = ResourceUsage()
    let scan = try ContentScan(
      [image], compressions: options.output.compression.map { [$0] } ?? [],
      memory: EstimateOptions.standardIndexMemory, threads: options.run.threads, progress: progress)
    var prediction = scan.prediction(0, virtualSize: image.virtualSize)
    prediction.keepsHashStore = options.store.isKept
    let candidates = prediction.possibleSizes.map { size in
      let ratio = scan.samples.first?.ratios[0][size] ?? .init()
      return ConversionReport.ClusterSizeChoice.Candidate(
        clusterSize: Prediction.geometry(size).clusterSize,
        predictedFileBytes: prediction.file(size, options.output.compression?.method, ratio)
          .fileBytes)
    }
    guard !candidates.isEmpty else { throw Estimator.tooLarge(name, image.virtualSize) }
    choice = ConversionReport.ClusterSizeChoice(
      clusterSize: ClusterSizeRule.choose(
        candidates.map { ($0.clusterSize, $0.predictedFileBytes) }),
      candidates: candidates, wallSeconds: ResourceUsage().wallSeconds - begin.wallSeconds,
      readBytes: scan.readBytes, compressedBytes: scan.compressedBytes)
  }

  /// The clusters to convert with.
  var geometry: ClusterGeometry {
    // One of the sizes that were looked at, so never nil.
    ClusterGeometry(clusterSize: choice.clusterSize)!
  }
}
