import CQDedupShims
import Glibc
internal import SystemPackage

/// A thread of the system that runs one closure. It must be joined, once.
package struct WorkerThread: Sendable {
  private final class Work: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  private let handle: pthread_t

  /// Starts a thread. The corresponding C function is `pthread_create`.
  ///
  /// - Throws: `IOError` of `.start`.
  package init(_ run: @escaping @Sendable () -> Void) throws(IOError) {
    let argument = Unmanaged.passRetained(Work(run))
    var handle = pthread_t()
    let code = pthread_create(
      &handle, nil,
      { argument in
        Unmanaged<Work>.fromOpaque(argument!).takeRetainedValue().run()
        return nil
      }, argument.toOpaque())
    guard code == 0 else {
      argument.release()
      throw IOError(startingThread: Errno(rawValue: code))
    }
    self.handle = handle
  }

  /// Waits until the closure has returned. The corresponding C function is `pthread_join`.
  package func join() {
    pthread_join(handle, nil)
  }
}

/// The processors of this machine.
public enum Processors {
  /// How many this process may run on, at least 1. The corresponding C function is
  /// `sched_getaffinity`.
  public static var available: Int { max(1, Int(qdedup_processor_count())) }
}
