import DiskIO
import DiskImage
import Foundation
import QDedupKit
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// How a disk is cut into batches.
@Suite struct BatchSourceTests {
  let scratch: TemporaryDirectory
  init() throws { scratch = try TemporaryDirectory() }

  @Test(
    "A batch is whole clusters, and enough of them may be in flight", arguments: 9...21,
    [false, true])
  func shape(bits: Int, isCompressed: Bool) throws {
    let geometry = try #require(ClusterGeometry(clusterSize: 1 << bits))
    let shape = BatchShape(geometry, isCompressed: isCompressed)
    #expect(shape.byteCount % geometry.clusterSize == 0)
    #expect(shape.byteCount == max(256 << 10, geometry.clusterSize))
    #expect((4...8).contains(shape.lag))
    #expect(shape.workers(atMost: 3) == 3)
    let most = shape.workers(atMost: 256)
    let batchBytes = shape.byteCount + shape.compressedByteCount
    let workerBytes = shape.comparedByteCount + shape.restoredByteCount
    #expect(shape.batchCount(threads: most) * batchBytes + most * workerBytes <= 64 << 20)
    #expect(shape.comparedByteCount >= shape.byteCount)
    #expect(shape.restoredByteCount == (isCompressed ? geometry.clusterSize : 0))
    #expect(shape.lag * shape.byteCount <= 8 << 20)
    #expect(shape.batchCount(threads: 3) == 3 + (isCompressed ? 2 : 1) * shape.lag)
  }

  @Test(
    "Every cluster with data comes once, on the grid, with tickets in order",
    arguments: [512, 65_536, 2 << 20], [1, 4])
  func image(clusterSize: Int, threads: Int) throws {
    let (path, size) = (scratch.file("disk"), 20 << 20 + 5000)
    let file = try FileDescriptor.open(
      path, .readWrite, options: .create, permissions: .ownerReadWrite)
    for offset in [0, 3 << 20 - 4096, 3 << 20, 9 << 20 + 8192, 20 << 20 + 4096] {
      let bytes = [UInt8](repeating: UInt8(offset >> 20) + 1, count: min(8192, size - offset))
      try file.writeAll(toAbsoluteOffset: Int64(offset), bytes)
    }
    try file.close()
    let geometry = try #require(ClusterGeometry(clusterSize: clusterSize))
    let shape = BatchShape(geometry)
    let source = ImageBatches(
      try RawImage(try OwnedFile(readingFrom: path)), geometry: geometry, shape: shape)
    let seen = try Self.drain(source, geometry, shape, threads: threads)
    #expect(source.fileSize == UInt64(size))
    #expect(source.virtualSize == UInt64(size + 511) & ~511)
    try Self.expectWhole(seen, of: try TemporaryDirectory.content(of: path), geometry)
    #expect(seen.allSatisfy { Int($0.start) % shape.byteCount == 0 })
    #expect(seen.reduce(0) { $0 + $1.bytes.count } < size)
  }

  @Test("A file gives its bytes once more, unless it may have been changed in between")
  func reread() throws {
    let content = Disks.unique(clusters: 8, clusterSize: 4096)
    let path = FilePath("/dev/shm/\(scratch.path.lastComponent!.string)")
    defer { unlink(path.string) }
    let descriptor = try FileDescriptor.open(
      path, .readWrite, options: .create, permissions: .ownerReadWrite)
    try descriptor.writeAll(content)
    try descriptor.close()
    let geometry = try #require(ClusterGeometry(clusterSize: 4096))
    var buffer = [UInt8](repeating: 0, count: 8192)
    for mayChange in [false, true] {
      let source = ImageBatches(
        try RawImage(try OwnedFile(readingFrom: path)), geometry: geometry,
        shape: BatchShape(geometry), mayChange: mayChange)
      let isRead = buffer.withUnsafeMutableBytes { source.reread(into: $0, at: GuestOffset(4096)) }
      #expect(isRead == !mayChange)
      #expect(buffer == Array(content[4096..<12_288]))
    }
  }

  @Test(
    "A pipe comes as a whole", arguments: [0, 1, 262_144, 262_145, 1_000_000], [1, 4])
  func pipe(count: Int, threads: Int) throws {
    var generator = SplitMix64(seed: 1)
    let content = (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) | 1 }
    let (reading, writing) = try TestPipe.make()
    Thread.detachNewThread {
      _ = try? writing.writeAll(content)
      try? writing.close()
    }
    let geometry = try #require(ClusterGeometry(clusterSize: 4096))
    let image = try PipeImage(OwnedFile(owning: reading.rawValue, path: "pipe")) { false }
    let source = PipeBatches(image, geometry: geometry) { false }
    let seen = try Self.drain(source, geometry, BatchShape(geometry), threads: threads)
    #expect(source.fileSize == UInt64(count))
    #expect(source.virtualSize == UInt64(count + 511) & ~511)
    try Self.expectWhole(seen, of: content, geometry)
  }

  @Test("A cancelled pipe is an interruption, not a short disk")
  func cancelled() throws {
    let (reading, writing) = try TestPipe.make()
    try writing.close()
    let geometry = try #require(ClusterGeometry(clusterSize: 4096))
    let image = try PipeImage(OwnedFile(owning: reading.rawValue, path: "pipe")) { false }
    let source = PipeBatches(image, geometry: geometry) { true }
    let batch = try Batch(byteCount: 1 << 18, geometry: geometry)
    let error = #expect(throws: ConversionError.self) { try source.fill(batch) }
    #expect(error?.isInterruption == true)
  }

  private struct Seen: Sendable {
    let ticket: UInt64
    let start: UInt64
    let bytes: [UInt8]
  }

  /// All batches of a source, which several threads ask, by their tickets.
  private static func drain(
    _ source: any BatchSource, _ geometry: ClusterGeometry, _ shape: BatchShape, threads: Int
  ) throws -> [Seen] {
    let all = Monitor<[Seen]>([])
    let failure = Mutex<ConversionError?>(nil)
    WorkerThread.runAll(threads) { error in
      failure.withLock { $0 = error }
    } _: { () throws(ConversionError) in
      guard let batch = try? Batch(byteCount: shape.byteCount, geometry: geometry) else { return }
      while try source.fill(batch) {
        let seen = Seen(
          ticket: batch.ticket, start: batch.start.bytes, bytes: Array(batch.bytes))
        all.update { $0.append(seen) }
      }
    }
    if let failure = failure.withLock({ $0 }) { throw failure }
    return all.read { $0.sorted { $0.ticket < $1.ticket } }
  }

  /// Whether batches are in order, apart, and with zeros around them make up the disk.
  private static func expectWhole(
    _ seen: [Seen], of content: [UInt8], _ geometry: ClusterGeometry
  ) throws {
    #expect(seen.map(\.ticket) == Array(0..<UInt64(seen.count)))
    let whole = Int(geometry.clusterCount(forBytes: UInt64(content.count))) * geometry.clusterSize
    var disk = [UInt8](repeating: 0, count: whole)
    var end = 0
    for batch in seen {
      let start = Int(batch.start)
      #expect(start >= end && batch.bytes.count % geometry.clusterSize == 0)
      end = start + batch.bytes.count
      try #require(end <= whole)
      disk.replaceSubrange(start..<end, with: batch.bytes)
    }
    #expect(disk == content + [UInt8](repeating: 0, count: whole - content.count))
  }
}
