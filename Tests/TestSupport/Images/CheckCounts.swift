/// What `qemu-img check` counted. QEMU leaves out the counts that are zero.
public struct CheckCounts: Decodable, Sendable {
  /// Inconsistencies that harm data.
  public let corruptions: Int?
  /// Clusters that are counted but not used.
  public let leaks: Int?
  /// Guest clusters that have a place in the file.
  public let allocatedClusters: Int?
  /// Guest clusters in all.
  public let totalClusters: Int?

  private enum CodingKeys: String, CodingKey {
    case corruptions, leaks
    case allocatedClusters = "allocated-clusters"
    case totalClusters = "total-clusters"
  }
}
