internal import DiskIO
internal import DiskImage
internal import QCOW2

/// Compresses what is unique in a batch. Each worker has one.
struct BatchCompressor {
  private let compressor: ClusterCompressor

  /// - Parameters:
  ///   - compression: Method and level.
  ///   - geometry: The clusters to compress.
  /// - Throws: `CompressionError.outOfMemory`.
  init(_ compression: Compression, _ geometry: ClusterGeometry) throws(CompressionError) {
    compressor = try ClusterCompressor(compression, clusterSize: geometry.clusterSize)
  }

  /// Fills `batch.compressed` with the compressed data of all clusters that need a place.
  func pack(_ batch: Batch) throws(CompressionError) {
    let size = batch.geometry.clusterSize
    let bound = Compression.bound(clusterSize: size)
    var end = 0
    for cluster in 0..<batch.clusterCount {
      let kind = batch.plans[cluster].kind
      guard kind == .unique || kind == .collision else { continue }
      let room = UnsafeMutableRawBufferPointer(
        rebasing: batch.compressed.bytes[end..<end + bound])
      let count = try compressor.compress(
        UnsafeRawBufferPointer(start: batch.address(cluster), count: size), into: room)
      batch.plans[cluster].compressed = UnsafeMutableRawBufferPointer(rebasing: room[..<count])
      end += count
    }
  }
}
