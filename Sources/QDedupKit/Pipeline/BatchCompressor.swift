internal import DiskIO
internal import DiskImage
internal import QCOW2

/// Compresses what is unique in a batch. Each worker has one, with a context that it uses again and
/// again.
///
/// It works after the comparison, so that nothing is compressed that is not stored, and before the
/// batch is placed, so that its turn, in which others wait, has only sizes to add up. The compressed
/// clusters go one after another into the batch's own memory, which has room for the worst case:
/// none of them shrinks.
struct BatchCompressor {
  private let compressor: ClusterCompressor

  /// - Parameters:
  ///   - compression: Method and level.
  ///   - geometry: The clusters to compress.
  /// - Throws: `CompressionError.outOfMemory`.
  init(_ compression: Compression, _ geometry: ClusterGeometry) throws(CompressionError) {
    compressor = try ClusterCompressor(compression, clusterSize: geometry.clusterSize)
  }

  /// Fills `batch.compressed` with the compressed data of all clusters that need room.
  ///
  /// - Throws: `CompressionError.failed`, which a sound library never gives.
  func compress(_ batch: Batch) throws(CompressionError) {
    let size = batch.geometry.clusterSize
    let bound = Compression.bound(clusterSize: size)
    var end = 0
    for cluster in 0..<batch.clusterCount where batch.plans[cluster].needsRoom {
      let room = UnsafeMutableRawBufferPointer(
        rebasing: batch.compressed.bytes[end..<end + bound])
      let count = try compressor.compress(
        UnsafeRawBufferPointer(start: batch.address(cluster), count: size), into: room)
      batch.plans[cluster].compressed = UnsafeMutableRawBufferPointer(rebasing: room[..<count])
      end += count
    }
  }
}
