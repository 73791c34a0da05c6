import ArgumentParser
import DiskImage

/// A cluster size as people write it: `4096`, `4K`, `64k`, `2M`.
struct ClusterSizeArgument: ExpressibleByArgument {
  let geometry: ClusterGeometry

  /// The size of the clusters in which the hash store was designed to find duplicates.
  static let standard = ClusterSizeArgument(argument: "4K")!

  init?(argument: String) {
    guard let size = ByteSize.bytes(argument).flatMap(Int.init(exactly:)),
      let geometry = ClusterGeometry(clusterSize: size)
    else { return nil }
    self.geometry = geometry
  }

  var defaultValueDescription: String { "4K" }
}
