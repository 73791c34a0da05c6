import ArgumentParser
import DiskImage

/// A cluster size as people write it: `4096`, `4K`, `64KiB`, `2M`.
enum ClusterSizeArgument {
  /// The size of the clusters in which the hash store was designed to find duplicates.
  static let standard = ClusterGeometry(clusterSize: 4096)!

  /// The clusters that `text` asks for.
  ///
  /// - Throws: `ValidationError` if it is no size, or none for clusters.
  @Sendable static func parse(_ text: String) throws -> ClusterGeometry {
    guard let size = Int(exactly: try ByteSize.parse(text)),
      let geometry = ClusterGeometry(clusterSize: size)
    else { throw ValidationError("a cluster is a power of two from 512 to 2M") }
    return geometry
  }
}
