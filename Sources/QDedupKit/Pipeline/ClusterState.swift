internal import DedupStore
internal import DiskImage
internal import QCOW2

/// What a worker knows of one cluster of its batch.
struct ClusterPlan {
  enum Kind: UInt8 {
    /// All zeros: becomes unallocated.
    case zero
    /// First of its content: gets a host cluster and an entry in the store.
    case unique
    /// The store, or the batches still in flight, say that its content is there already.
    case duplicate
    /// Called a duplicate, but its bytes differ: gets a host cluster, no entry (S34).
    case collision
  }

  var kind: Kind
  var digest: Digest
  /// For a duplicate of a cluster that is still in flight, that cluster's bytes in memory.
  var original: UnsafeRawPointer?
  /// Once compressed, its compressed data; nil in a plain image.
  var compressed: UnsafeMutableRawBufferPointer?
}

/// What the ordered part of the pipeline knows of one cluster.
package struct ClusterPlace {
  /// Where the data stands in the output; known for duplicates of placed clusters from the start,
  /// for others (nil until then) from when they are placed.
  var mapping: ClusterMapping?
  /// The guest offset of the first cluster that was mapped to the data.
  var owner: GuestOffset
  /// How many guest clusters share the data, for a cluster in flight.
  var references: UInt32
  /// For a duplicate of a cluster that is still in flight, that cluster's place.
  var original: UnsafeMutablePointer<ClusterPlace>?
}
