package import DiskIO
import Glibc

/// State that threads share, under a lock, with a way to wait until it changes.
///
/// A monitor in the sense of Hoare: one mutex and one condition variable of the system. `read` and
/// `update` hold the lock for as long as their closure runs, so that closure should only look at or
/// change the state: no input or output, no other monitor. `wait` gives the lock up while it waits.
///
/// Every update wakes all who wait, and each asks its condition again. That is simple and cannot lose
/// a wake-up; its cost, some microseconds a waiting thread, is paid a few times for a batch of
/// 256 KiB. Where waits would be for one cluster each, it would be the wrong tool.
package final class Monitor<State>: @unchecked Sendable {
  // Unchecked: the state is touched only with the mutex held.

  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let changed: UnsafeMutablePointer<pthread_cond_t>
  private var state: State

  package init(_ state: State) {
    self.state = state
    mutex = .allocate(capacity: 1)
    changed = .allocate(capacity: 1)
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(changed, nil)
  }

  deinit {
    pthread_cond_destroy(changed)
    pthread_mutex_destroy(mutex)
    changed.deallocate()
    mutex.deallocate()
  }

  /// Looks at the state.
  package func read<Result>(_ body: (State) -> Result) -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return body(state)
  }

  /// Changes the state and wakes all who wait.
  package func update<Result>(_ body: (inout State) -> Result) -> Result {
    pthread_mutex_lock(mutex)
    defer {
      pthread_cond_broadcast(changed)
      pthread_mutex_unlock(mutex)
    }
    return body(&state)
  }

  /// Waits until `body` gives a result, asking it again after each change.
  package func wait<Result, Failure: Error>(
    until body: (inout State) throws(Failure) -> Result?
  ) throws(Failure) -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while true {
      if let result = try body(&state) { return result }
      pthread_cond_wait(changed, mutex)
    }
  }
}

extension WorkerThread {
  /// Runs `body` on several threads and waits for all of them.
  ///
  /// - Parameters:
  ///   - count: How many threads.
  ///   - onFailure: Called on the failing thread with each error; it must make the others stop.
  ///   - body: What each thread does.
  package static func runAll(
    _ count: Int, onFailure: @escaping @Sendable (ConversionError) -> Void,
    _ body: @escaping @Sendable () throws(ConversionError) -> Void
  ) {
    var threads: [WorkerThread] = []
    do throws(IOError) {
      for _ in 0..<count {
        threads.append(
          try WorkerThread {
            do throws(ConversionError) { try body() } catch { onFailure(error) }
          })
      }
    } catch {
      onFailure(.noThread(error))
    }
    for thread in threads { thread.join() }
  }
}
