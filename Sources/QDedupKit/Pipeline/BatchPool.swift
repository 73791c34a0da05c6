package import DiskIO
package import DiskImage
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
    state.withLock { $0.idle.append(batch) }
  }
}
