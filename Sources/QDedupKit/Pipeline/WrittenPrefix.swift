/// How far the output is written without a gap, so that its clusters can be read back.
///
/// Unique clusters get their places in order, batch by batch, and each batch of them is written by
/// the worker that gave it its places, so they complete in any order.
package final class WrittenPrefix: Sendable {
  private struct State {
    /// All of the output before this byte is written.
    var end: UInt64 = 0
    /// The host ends of batches that are placed, in order, and whether each is written.
    var waiting: [(hostEnd: UInt64, isWritten: Bool)] = []
    /// The number of batches that have left `waiting`.
    var completed = 0
    var hasFailed = false
  }

  private let state = Monitor(State())

  /// Nothing is written yet.
  package init() {}

  /// Notes that the unique clusters of the next batch have got their places.
  ///
  /// - Parameter hostEnd: Where the data ends that was placed up to then.
  /// - Returns: The number to hand to `markWritten`.
  package func addPlaced(hostEnd: UInt64) -> Int {
    state.update { state in
      state.waiting.append((hostEnd, false))
      return state.completed + state.waiting.count - 1
    }
  }

  /// Notes that a placed batch has been written.
  package func markWritten(_ number: Int) {
    state.update { state in
      state.waiting[number - state.completed].isWritten = true
      while let first = state.waiting.first, first.isWritten {
        state.end = first.hostEnd
        state.completed += 1
        state.waiting.removeFirst()
      }
    }
  }

  /// Waits until all of the output before `offset` is written.
  package func wait(until offset: UInt64) throws(ConversionError) {
    try state.wait { state throws(ConversionError) -> Void? in
      if state.hasFailed { throw .interrupted }
      return state.end >= offset ? () : nil
    }
  }

  /// Waits until the batch of that number is written.
  package func wait(forBatch number: Int) throws(ConversionError) {
    try state.wait { state throws(ConversionError) -> Void? in
      if state.hasFailed { throw .interrupted }
      return state.completed > number ? () : nil
    }
  }

  /// Wakes all who wait: nothing more will be written.
  package func fail() {
    state.update { $0.hasFailed = true }
  }
}
