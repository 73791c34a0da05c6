import DedupStore
import DiskIO
import DiskImage
import Glibc
import QDedupKit
import Synchronization
import SystemPackage
import Testing
import TestSupport

/// Conversions that are asked to stop.
@Suite struct CancellationTests {
  private static let message = "interrupted; no output was kept"

  @Test("A conversion can be cancelled before it begins")
  func before() throws {
    let trial = try Trial(Disks.unique(clusters: 10, clusterSize: 4096))
    trial.progress.cancel()
    #expect(try trial.failure() == Self.message)
  }

  @Test(
    "A conversion can be cancelled in the middle, with the output in any state",
    arguments: [1, 700, 2999], [1, 2, 4])
  func during(clusters: Int, threads: Int) throws {
    var trial = try Trial(Disks.unique(clusters: 3000, clusterSize: 4096), threads: threads)
    trial.options.store.order = 2
    let progress = trial.progress
    let seen = Counter()
    trial.tuning.digest = { bytes in
      if seen.next() == clusters { progress.cancel() }
      return .init(of: bytes)
    }
    #expect(try trial.failure() == Self.message)
  }

  @Test("A conversion can be cancelled while a pipe is silent", arguments: [0, 100, 5000])
  func pipe(byteCount: Int) throws {
    var trial = try Trial([])
    let name = trial.scratch.file("pipe")
    let bytes = [UInt8](repeating: 7, count: byteCount)
    let end = try TestPipe.make(named: name, holding: bytes)
    defer { try? end.close() }
    trial.options.input.source = .file(name)
    let progress = trial.progress
    let canceller = try WorkerThread {
      usleep(50_000)
      progress.cancel()
    }
    #expect(try trial.failure() == Self.message)
    canceller.join()
  }

  @Test("Nothing goes beyond the disk's end, where that is known", arguments: [100, nil])
  func progress(total: UInt64?) {
    let progress = Progress()
    progress.begin(.converting, totalBytes: total)
    for bytes: UInt64 in [60, 4096, 10] { progress.reach(bytes) }
    #expect(progress.processedBytes == total ?? 4096)
    progress.begin(.verifying, totalBytes: total)
    #expect(progress.processedBytes == 0 && progress.totalBytes == total)
  }

  @Test("An existing output stays")
  func existing() throws {
    var trial = try Trial(Disks.unique(clusters: 100, clusterSize: 4096))
    trial.options.output.replaces = true
    _ = try trial.scratch.make("disk.qcow2", [1, 2, 3])
    let progress = trial.progress
    trial.tuning.digest = { bytes in
      progress.cancel()
      return .init(of: bytes)
    }
    #expect(try trial.failure() == Self.message)
    #expect(try trial.output() == [1, 2, 3])
  }

  /// Counts calls from any thread.
  private final class Counter: Sendable {
    private let value = Atomic(0)
    func next() -> Int { value.wrappingAdd(1, ordering: .relaxed).newValue }
  }
}
