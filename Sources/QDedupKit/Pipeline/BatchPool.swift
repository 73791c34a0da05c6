package import DiskIO
package import DiskImage

/// Lends out batches and makes them only as they are needed: memory that was used last is lent
/// first, because the first touch of fresh memory is slow.
package final class BatchPool: Sendable {
  private struct State {
    var idle: [Batch] = []
    var made = 0
  }

  private let state = Monitor(State())
  let geometry: ClusterGeometry
  private let shape: BatchShape
  private let limit: Int

  /// Lends out at most `limit` batches at a time.
  package init(geometry: ClusterGeometry, shape: BatchShape, limit: Int) {
    self.geometry = geometry
    self.shape = shape
    self.limit = limit
  }

  /// Borrows a batch, waiting for one while all are lent out.
  package func take() throws(IOError) -> Batch {
    let idle = state.wait { state -> Batch?? in
      if let batch = state.idle.popLast() { return .some(batch) }
      guard state.made < limit else { return nil }
      state.made += 1
      return .some(nil)
    }
    if let idle { return idle }
    return try Batch(byteCount: shape.byteCount, geometry: geometry)
  }

  /// Returns a batch that nobody uses or compares with any more.
  package func give(_ batch: Batch) {
    state.update { $0.idle.append(batch) }
  }
}
