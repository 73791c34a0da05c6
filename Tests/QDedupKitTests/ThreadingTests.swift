import DiskIO
import DiskImage
import QCOW2
import QDedupKit
import Synchronization
import Testing

/// Locks, threads, and what is built of them.
@Suite struct ThreadingTests {
  @Test("A monitor loses no update")
  func updates() throws {
    let monitor = Monitor(0)
    let threads = try (0..<4).map { _ in
      try WorkerThread { for _ in 0..<10_000 { monitor.update { $0 += 1 } } }
    }
    for thread in threads { thread.join() }
    #expect(monitor.read { $0 } == 40_000)
  }

  @Test("Threads that wait for each other take turns")
  func turns() throws {
    let order = Monitor<[Int]>([])
    let threads = try (0..<3).map { number in
      try WorkerThread {
        for round in 0..<200 {
          order.wait { $0.count == round * 3 + number ? () : nil }
          order.update { $0.append(number) }
        }
      }
    }
    for thread in threads { thread.join() }
    #expect(order.read { $0 } == (0..<600).map { $0 % 3 })
  }

  @Test("A wait that throws lets go of the lock")
  func waitThrows() {
    let monitor = Monitor(1)
    #expect(throws: ConversionError.self) {
      try monitor.wait { (_) throws(ConversionError) -> Int? in throw .interrupted }
    }
    #expect(monitor.update { $0 + 1 } == 2)
  }

  @Test("All threads run, and each failure is reported", arguments: [1, 2, 8])
  func runAll(count: Int) {
    let (begun, failed) = (Counter(), Counter())
    WorkerThread.runAll(count) { _ in
      failed.add()
    } _: { () throws(ConversionError) in
      begun.add()
      throw .interrupted
    }
    #expect(begun.value == count)
    #expect(failed.value == count)
  }

  @Test("A pool lends what came back last")
  func pool() throws {
    let geometry = try #require(ClusterGeometry(clusterSize: 4096))
    let pool = BatchPool(geometry: geometry, shape: BatchShape(geometry), limit: 2)
    let first = try pool.take()
    let second = try pool.take()
    #expect(first !== second)
    #expect(first.capacity == BatchShape(geometry).byteCount)
    pool.give(second)
    #expect(try pool.take() === second)
    pool.give(first)
    pool.give(second)
    #expect(try pool.take() === second)
  }

  @Test("The output counts as written up to the first batch that is not")
  func prefix() throws {
    let written = WrittenPrefix()
    let numbers = [100, 200, 300].map { written.addWrite(upTo: HostOffset($0)) }
    #expect(numbers == [0, 1, 2])
    written.markWritten(1)
    let (reached, failures) = (Counter(), Counter())
    let waiting = try WorkerThread {
      do throws(ConversionError) {
        try written.wait(for: HostOffset(199))
        reached.add()
        try written.wait(for: HostOffset(200))
        reached.add()
      } catch {
        failures.add()
      }
    }
    written.markWritten(0)
    try written.wait(for: HostOffset(199))
    try written.wait(forWrite: 1)
    written.fail()
    waiting.join()
    #expect(failures.value == 1)
    #expect(reached.value <= 1)
    #expect(throws: ConversionError.self) { try written.wait(forWrite: 2) }
  }

  @Test(
    "Write-back is asked for at every step of what is written, and not before", arguments: [1, 4])
  func writeBack(threads: Int) throws {
    let requests = Counter()
    let writeBack = try WriteBack(stepBytes: 1000) { requests.add() }
    writeBack.add(999)
    #expect(requests.value == 0)
    WorkerThread.runAll(threads) { _ in
    } _: { () throws(ConversionError) in
      for _ in 0..<100 { writeBack.add(50) }
    }
    writeBack.end()
    // Requests that come while one is under way become one.
    #expect((1...threads * 5).contains(requests.value))
  }

  @Test("Write-back that was asked for is not lost at the end")
  func lastWriteBack() throws {
    for _ in 0..<50 {
      let requests = Counter()
      let writeBack = try WriteBack(stepBytes: 10) { requests.add() }
      writeBack.add(10)
      writeBack.end()
      #expect(requests.value == 1)
    }
  }

  @Test("Progress is the furthest place of a phase")
  func progress() {
    let progress = Progress()
    #expect(progress.phase == .starting && progress.totalBytes == nil)
    progress.begin(.converting, totalBytes: 100)
    progress.reach(35)
    progress.reach(30)
    #expect(progress.phase == .converting)
    #expect(progress.totalBytes == 100 && progress.processedBytes == 35)
    progress.begin(.verifying, totalBytes: 7)
    #expect(progress.processedBytes == 0 && progress.totalBytes == 7)
    progress.begin(.verifying, totalBytes: nil)
    #expect(progress.totalBytes == nil)
    #expect(!progress.isCancelled)
    progress.cancel()
    #expect(progress.isCancelled && progress.phase == .verifying)
  }

  private final class Counter: Sendable {
    private let count = Atomic(0)
    var value: Int { count.load(ordering: .relaxed) }
    func add() { count.wrappingAdd(1, ordering: .relaxed) }
  }
}
