/// What became of the clusters that hold data.
struct ClusterCounts {
  /// Clusters with a host cluster of their own.
  var unique: UInt64 = 0
  /// What unique clusters take in the output, in bytes.
  var writtenBytes: UInt64 = 0
  /// Clusters that share the host cluster of another one.
  var duplicate: UInt64 = 0
  /// Unique clusters whose digest was that of another cluster (S34).
  var collisions: UInt64 = 0
  /// Clusters stored again because the stored one had all the references that it can have (S33).
  var referencesCapped: UInt64 = 0
  /// Clusters found among those still in flight, before the store was asked.
  var lookupsInFlight: UInt64 = 0
}
