import ArgumentParser
import DiskImage

/// A cluster size as people write it: `4096`, `4K`, `64k`, `2M`.
struct ClusterSizeArgument: ExpressibleByArgument {
  let geometry: ClusterGeometry

  /// The size of the clusters in which the hash store was designed to find duplicates.
  static let standard = ClusterSizeArgument(argument: "4K")!

  init?(argument: String) {
    let factors: [Character: Int] = ["K": 1 << 10, "k": 1 << 10, "M": 1 << 20, "m": 1 << 20]
    let unit = argument.last.flatMap { factors[$0] }
    let digits = unit == nil ? argument[...] : argument.dropLast()
    guard let number = Int(digits) else { return nil }
    let (size, overflow) = number.multipliedReportingOverflow(by: unit ?? 1)
    guard !overflow, let geometry = ClusterGeometry(clusterSize: size) else { return nil }
    self.geometry = geometry
  }

  var defaultValueDescription: String { "4K" }
}
