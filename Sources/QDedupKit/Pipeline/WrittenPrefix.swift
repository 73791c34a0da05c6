package import QCOW2

/// How far the output is written without a gap, so that its clusters can be read back.
///
/// Unique clusters get their room in order, batch by batch, and data only goes forward in the
/// output. But each batch is written by the worker that gave it its room, after its turn, so writes
/// complete in any order. Each write has a number, in the order of turns; the prefix ends before the
/// data of the first one that is not complete.
///
/// Any thread may wait here: a worker before it compares with the output, and the holder of the turn
/// before a retained batch goes back to the pool. They wait for writes, which wait for nothing
/// themselves; `Pipeline` says why that cannot be a deadlock. After `fail` no wait lasts.
///
/// Costs an entry for each write under way, at most one a worker, and wakes all waiting threads
/// when one is complete.
package final class WrittenPrefix: Sendable {
  private struct State {
    /// All of the output before this place is written.
    var end = HostOffset(0)
    /// Where the data of each write ends that has a number, in order, and whether it is written.
    var waiting: [(hostEnd: HostOffset, isWritten: Bool)] = []
    /// How many writes have left `waiting`.
    var completed = 0
    var hasFailed = false
  }

  private let state = Monitor(State())

  /// Nothing is written yet.
  package init() {}

  /// Notes that the unique clusters of the next batch have got their room.
  ///
  /// - Parameter hostEnd: Where all data ends that has room by now.
  /// - Returns: The number of the write, to hand to `markWritten`.
  package func addWrite(upTo hostEnd: HostOffset) -> Int {
    state.update { state in
      state.waiting.append((hostEnd, false))
      return state.completed + state.waiting.count - 1
    }
  }

  /// The number of the last write that was noted; -1 if there was none.
  package var latest: Int { state.read { $0.completed + $0.waiting.count - 1 } }

  /// Notes that a write is complete.
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

  /// Waits until the byte at `host`, and all of the output before it, is written.
  package func wait(for host: HostOffset) throws(ConversionError) {
    try state.wait { state throws(ConversionError) -> Void? in
      if state.hasFailed { throw .interrupted }
      return host < state.end ? () : nil
    }
  }

  /// Waits until the write of that number, and all before it, are complete.
  package func wait(forWrite number: Int) throws(ConversionError) {
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
