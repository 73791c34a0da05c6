package import DiskIO
package import DiskImage
internal import QCOW2
internal import Synchronization

/// Lends out batches and makes them only as they are needed: memory that was used last is lent
/// first, because the first touch of fresh memory is slow.
///
/// The pool keeps all batches alive as long as it lives: others may still compare with the bytes of
/// one whose worker has failed.
package final class BatchPool: Sendable {
  private struct State {
    var idle: [Batch] = []
    var all: [Batch] = []
  }

  private let state = Mutex(State())
  let geometry: ClusterGeometry
  private let shape: BatchShape
  private let limit: Int

  /// Lends out at most `limit` batches at a time.
  package init(geometry: ClusterGeometry, shape: BatchShape, limit: Int) {
    self.geometry = geometry
    self.shape = shape
    self.limit = limit
  }

  /// Borrows a batch. No more than `limit` may be lent out at a time.
  package func take() throws(IOError) -> Batch {
    try state.withLock { state throws(IOError) in
      if let batch = state.idle.popLast() { return batch }
      precondition(state.all.count < limit, "more batches are in use than the pipeline needs")
      let batch = try Batch(
        byteCount: shape.byteCount, geometry: geometry,
        compressedByteCount: shape.compressedByteCount)
      state.all.append(batch)
      return batch
    }
  }

  /// Returns a batch that nobody uses or compares with any more.
  package func give(_ batch: Batch) {
    batch.move(to: .idle)
    state.withLock { $0.idle.append(batch) }
  }
}

/// How guest clusters are grouped on their way: by rules of the cluster size alone, so that the
/// output's bytes depend on neither the input's format nor the number of threads.
package struct BatchShape {
  /// The bytes of a batch: a multiple of the cluster size. Batches begin at multiples of it.
  package let byteCount: Int
  /// How many batches with data there are between looking up a cluster and mapping it.
  package let lag: Int
  /// Whether clusters are compressed on their way.
  package let isCompressed: Bool
  /// The most bytes that the clusters of a batch take when they are compressed; 0 if they are not.
  package let compressedByteCount: Int

  /// How many bytes a worker reads back at once to compare with: in a compressed image there must be
  /// room for one cluster at least, up to the end of its last sector.
  package let comparedByteCount: Int
  /// The size of a cluster that is restored to be compared; 0 if none is compressed.
  package let restoredByteCount: Int

  /// The shape for clusters of one size.
  package init(_ geometry: ClusterGeometry, isCompressed: Bool = false) {
    self.isCompressed = isCompressed
    byteCount = max(Self.preferredSize, geometry.clusterSize)
    compressedByteCount =
      isCompressed
      ? byteCount >> geometry.clusterBits * Compression.bound(clusterSize: geometry.clusterSize) : 0
    lag = min(8, Self.inFlightSize / byteCount)
    comparedByteCount =
      isCompressed ? max(byteCount, 2 * geometry.clusterSize + 1024) : byteCount
    restoredByteCount = isCompressed ? geometry.clusterSize : 0
  }

  /// Small enough to stay in a processor's cache from reading to writing, large enough that
  /// system calls do not count.
  private static let preferredSize = 256 << 10
  /// How many bytes may be between lookup and mapping.
  private static let inFlightSize = 8 << 20

  /// The most memory for batches and what they are compared with.
  private static let bufferSize = 64 << 20

  /// How many of `threads` workers may work so that buffers stay within 64 MiB: each holds a batch,
  /// what it compares that with, and what reading the input takes.
  package func workers(atMost threads: Int, bytesPerReader: Int = 0) -> Int {
    let perBatch = byteCount + compressedByteCount
    let perWorker = perBatch + comparedByteCount + restoredByteCount + bytesPerReader
    return min(threads, max(1, (Self.bufferSize - batchCount(threads: 0) * perBatch) / perWorker))
  }

  /// How many batches must exist for `threads` workers never to wait for memory: each holds one,
  /// there are those between lookup and mapping, and of a compressed image as many again are kept
  /// to compare with, where a plain one is read back.
  package func batchCount(threads: Int) -> Int { threads + (isCompressed ? 2 : 1) * lag }
}
