package import DiskIO

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
