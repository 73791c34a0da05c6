package import DiskIO
internal import Synchronization

/// Has the system write the output to the disk while a conversion or an export goes on, so that the
/// sync at the end is short.
///
/// Left alone, the system keeps what is written in memory until that is a tenth of all memory, or 30
/// seconds old. An image that is smaller would reach the disk only with the last `fsync`, which would
/// take as long as the disk needs for all of it. Here a thread asks for the writing each time that
/// another 16 MiB have been written to the file. It waits for nothing, and neither do the workers:
/// where the disk is slow, only this thread waits for it.
///
/// It is advice. What fails is reported by the sync at the end, and without a thread the image is the
/// same. A file system in memory has nothing to do, and takes no time for it.
///
/// Threads: `add` may be called by any; `end` by the one that made it, once, when no `add` will follow.
package final class WriteBack: Sendable {
  private struct State {
    var isWanted = false
    var hasEnded = false
  }

  private let state: Monitor<State>
  private let thread: WorkerThread
  private let written = Atomic<Int>(0)
  private let stepBytes: Int

  /// How much is written to the file from one request to the next: large enough for long runs on the
  /// disk, small enough for the rest to be written soon.
  private static let defaultStepBytes = 16 << 20

  /// - Parameters:
  ///   - stepBytes: How much is to be written from one request to the next, in bytes.
  ///   - start: Asks for what has been written so far.
  /// - Throws: `IOError` of `.start` if there is no thread for it.
  package init(
    stepBytes: Int = WriteBack.defaultStepBytes, _ start: @escaping @Sendable () -> Void
  ) throws(IOError) {
    let state = Monitor(State())
    self.state = state
    self.stepBytes = stepBytes
    thread = try WorkerThread {
      while Self.waitForRequest(state) { start() }
    }
  }

  /// Waits until there is something to ask for.
  ///
  /// - Returns: False once it has ended and nothing is left to ask for.
  private static func waitForRequest(_ state: Monitor<State>) -> Bool {
    state.wait { state in
      guard state.isWanted else { return state.hasEnded ? false : nil }
      state.isWanted = false
      return true
    }
  }

  /// Notes that `byteCount` more bytes have been written to the file.
  package func add(_ byteCount: Int) {
    let (before, after) = written.wrappingAdd(byteCount, ordering: .relaxed)
    if before / stepBytes != after / stepBytes { state.update { $0.isWanted = true } }
  }

  /// Ends the thread, after what it was asked for.
  package func end() {
    state.update { $0.hasEnded = true }
    thread.join()
  }
}
