package import DiskIO
package import DiskImage

/// A run of guest clusters on its way through the pipeline, with the memory that it needs.
///
/// Its bytes and plans belong to the worker that read it until they are prepared, then to the
/// ordered part. Its places belong to the ordered part from the start: the worker reads only those
/// of duplicates that stand in the output, which nobody changes any more. Other workers read its
/// bytes, to compare, from its turn on and until it goes back to the pool.
package final class Batch: @unchecked Sendable {
  // Unchecked: what changes hands does so under the pipeline's lock.

  let geometry: ClusterGeometry
  private let buffer: AlignedBuffer
  /// The compressed data of its unique clusters, one after another; empty in a plain image.
  let compressed: AlignedBuffer
  private let planBuffer: UnsafeMutableBufferPointer<ClusterPlan>
  private let placeBuffer: UnsafeMutableBufferPointer<ClusterPlace>

  /// Its place in the order of all batches: 0, 1, 2 …
  package var ticket: UInt64 = 0
  /// The guest offset of its first cluster.
  package var start = GuestOffset(0)
  /// How many clusters it holds.
  package var clusterCount = 0
  /// Whether any cluster holds something other than zeros.
  var hasData = false
  /// Whether its duplicates have been compared, and what is unique in it has been compressed.
  var isPrepared = false
  /// What of it is to be written, and where.
  var writes: WriteList
  /// Its place in the order of batches whose unique clusters got their places: 0, 1, 2 …
  var placedNumber = 0

  /// A batch for up to `byteCount` bytes, a multiple of the cluster size, and for so many compressed
  /// ones.
  package init(byteCount: Int, geometry: ClusterGeometry, compressedByteCount: Int = 0)
    throws(IOError)
  {
    self.geometry = geometry
    compressed = try AlignedBuffer(
      byteCount: compressedByteCount, purpose: "compressed clusters on their way")
    buffer = try AlignedBuffer(byteCount: byteCount, purpose: "clusters on their way")
    writes = WriteList(clusterCount: byteCount >> geometry.clusterBits)
    planBuffer = .allocate(capacity: byteCount >> geometry.clusterBits)
    placeBuffer = .allocate(capacity: byteCount >> geometry.clusterBits)
  }

  deinit {
    planBuffer.deallocate()
    placeBuffer.deallocate()
  }

  /// The most bytes that it can hold.
  package var capacity: Int { buffer.bytes.count }

  /// The guest bytes of its clusters.
  package var bytes: UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<(clusterCount << geometry.clusterBits)])
  }

  /// The workers' knowledge of each cluster.
  var plans: UnsafeMutablePointer<ClusterPlan> { planBuffer.baseAddress! }

  /// The ordered part's knowledge of each cluster.
  var places: UnsafeMutablePointer<ClusterPlace> { placeBuffer.baseAddress! }

  /// Where the bytes of cluster `index` are in memory.
  func address(_ index: Int) -> UnsafeMutableRawPointer {
    buffer.bytes.baseAddress! + index << geometry.clusterBits
  }

  /// What is to be written of cluster `index` if it needs a place: its bytes, or its compressed
  /// data.
  func content(_ index: Int) -> UnsafeMutableRawBufferPointer {
    plans[index].compressed
      ?? UnsafeMutableRawBufferPointer(start: address(index), count: geometry.clusterSize)
  }

  /// The guest offset of cluster `index`.
  func guestOffset(_ index: Int) -> GuestOffset {
    GuestOffset(start.bytes + UInt64(index) << geometry.clusterBits)
  }
}
