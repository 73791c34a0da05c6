internal import DedupStore
internal import DiskImage
internal import QCOW2

/// Turns what was counted and sampled of an image, or of several that go into one file, into the
/// files to expect.
struct Prediction {
  /// The size of the disk, or of each disk.
  var virtualSizes: [UInt64]
  /// For each size, the clusters with data.
  var data: [UInt64]
  /// For each size, the distinct ones among them, and how far that may be off.
  var unique: [UInt64]
  var uniqueError: [Double]
  /// For each size, the pieces of 4 KiB of the distinct ones that are not zeros.
  var uniquePieces: [UInt64]
  /// For each size, the L2 tables that map data.
  var l2Tables: [UInt64]
  /// For each size, how often the most frequent cluster occurs.
  var highestReferences: [UInt32]
  var keepsHashStore = true

  /// The cluster sizes with which QEMU takes such disks, as exponents.
  var possibleSizes: [Int] {
    ImageScan.sizes.filter { size in
      virtualSizes.allSatisfy { $0 <= ImageLimits(Self.geometry(size)).virtualSize }
    }
  }

  /// The size of all disks together.
  var virtualSize: UInt64 {
    virtualSizes.reduce(0) { sum, size in
      let (total, overflow) = sum.addingReportingOverflow(size)
      return overflow ? .max : total
    }
  }

  /// Clusters of 2^size pieces.
  static func geometry(_ size: Int) -> ClusterGeometry {
    // In the range that qcow2 allows, so never nil.
    ClusterGeometry(clusterSize: 1 << (ImageScan.pieceBits + size))!
  }

  /// The file by one method.
  ///
  /// - Parameters:
  ///   - size: The clusters are 2^size pieces.
  ///   - method: How they are compressed; nil for not at all.
  ///   - ratio: What compression makes of them.
  /// - Returns: Its size, the interval and the bound.
  func file(
    _ size: Int, _ method: Compression.Method?, _ ratio: CompressionSample.Ratio
  ) -> EstimateReport.File {
    let geometry = Self.geometry(size)
    func bytes(_ share: Double, _ unique: UInt64) -> UInt64 {
      var content = content(size, method, unique)
      if method != nil {
        let pieces = Double(uniquePieces[size]) * Double(unique) / Double(max(1, self.unique[size]))
        content.compressedBytes = UInt64(pieces * Double(1 << ImageScan.pieceBits) * max(0, share))
      }
      return PredictedFile(content, geometry).byteCount
    }
    let error = uniqueError[size]
    let few = UInt64(Double(unique[size]) * max(0, 1 - error))
    let many = min(data[size], UInt64(Double(unique[size]) * (1 + error)))
    let (low, high) = (
      ratio.value * (1 - ratio.relativeError), ratio.value * (1 + ratio.relativeError)
    )
    let bound = PredictedFile.upperBound(content(size, method, unique[size]), geometry).byteCount
    let expected = min(bytes(ratio.value, unique[size]), bound)
    return EstimateReport.File(
      fileBytes: expected, lowBytes: min(bytes(low, few), expected),
      highBytes: min(max(bytes(high, many), expected), bound), upperBoundBytes: bound,
      readCost: ReadCost.relative(method, size: size))
  }

  private func content(
    _ size: Int, _ method: Compression.Method?, _ unique: UInt64
  ) -> PredictedFile.Content {
    PredictedFile.Content(
      virtualSize: virtualSize, dataClusters: data[size], uniqueClusters: unique,
      l2Tables: l2Tables[size], compressedBytes: method == nil ? nil : 0, method: method,
      highestReferences: highestReferences[size], keepsHashStore: keepsHashStore)
  }

  /// What clusters of one size give.
  func clusterSize(
    _ size: Int, zlib: CompressionSample.Ratio, zstd: CompressionSample.Ratio
  ) -> EstimateReport.ClusterSize {
    let total = virtualSizes.reduce(0) { $0 + Self.geometry(size).clusterCount(forBytes: $1) }
    return EstimateReport.ClusterSize(
      clusterSize: Self.geometry(size).clusterSize,
      clusters: .init(
        total: total, zero: total - data[size], unique: unique[size],
        duplicate: data[size] - unique[size]),
      uniqueRelativeError: uniqueError[size], plain: file(size, nil, .init()),
      zlib: file(size, .zlib, zlib), zstd: file(size, .zstd, zstd))
  }
}

extension EstimateReport.Recommended {
  /// The sizes that the rule chooses.
  init(_ sizes: [EstimateReport.ClusterSize]) {
    func choose(_ kind: KeyPath<EstimateReport.ClusterSize, EstimateReport.File>) -> Int {
      ClusterSizeRule.choose(sizes.map { ($0.clusterSize, $0[keyPath: kind].fileBytes) })
    }
    self.init(plain: choose(\.plain), zlib: choose(\.zlib), zstd: choose(\.zstd))
  }
}
