internal import DiskImage

/// The rule by which a cluster size is recommended, and chosen for `auto`: the largest one whose
/// predicted file is at most 5 % above the smallest predicted file.
///
/// Large clusters are cheaper for everyone who reads the image, so they win where they cost little
/// room. The rule sees predictions alone, and those depend on the content and the options alone.
enum ClusterSizeRule {
  /// How far above the smallest file the chosen one may be, in per cent.
  static let tolerance: UInt64 = 5

  /// The chosen size.
  ///
  /// - Parameter predictions: Cluster sizes and the predicted bytes of their files; not empty.
  /// - Returns: One of the sizes.
  static func choose(_ predictions: [(clusterSize: Int, fileBytes: UInt64)]) -> Int {
    let smallest = predictions.map(\.fileBytes).min() ?? 0
    let most = smallest + smallest / 100 * tolerance + smallest % 100 * tolerance / 100
    let allowed = predictions.filter { $0.fileBytes <= most }
    return allowed.map(\.clusterSize).max() ?? 4096
  }
}
