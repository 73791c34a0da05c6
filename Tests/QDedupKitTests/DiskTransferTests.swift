import DiskIO
import DiskImage
import QDedupKit
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// What an export makes of a disk, with a disk and outputs in memory.
@Suite("Disk transfer") struct DiskTransferTests {
  private static let pieceBytes = 256 << 10

  /// A disk of so many pieces with data only where it is said.
  private struct Disk: ImageSource {
    let bytes: [UInt8]
    let extents: [Range<Int>]
    var clusterBytes = 1
    var onRead: @Sendable (GuestOffset, Int) -> Void = { _, _ in }

    var path: FilePath { "disk" }
    var virtualSize: UInt64 { UInt64(bytes.count) }
    var fileSize: UInt64 { virtualSize }

    init(size: Int, _ extents: [Range<Int>]) {
      var bytes = [UInt8](repeating: 0, count: size)
      for extent in extents {
        bytes.replaceSubrange(
          extent, with: RawImage.noise(count: extent.count, seed: UInt64(extent.lowerBound)))
      }
      (self.bytes, self.extents) = (bytes, extents)
    }

    func nextData(from offset: GuestOffset) -> GuestRange? {
      let next = extents.first { $0.upperBound > Int(offset.bytes) }
      return next.map {
        GuestRange(
          GuestOffset(max(offset.bytes, UInt64($0.lowerBound))),
          upTo: GuestOffset(UInt64($0.upperBound)))
      }
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: GuestOffset) {
      onRead(offset, buffer.count)
      buffer.copyBytes(from: bytes[Int(offset.bytes)..<Int(offset.bytes) + buffer.count])
    }
  }

  /// Remembers what it got.
  private final class Output: DiskOutput {
    let isSequential: Bool
    let zeroRun: Int?
    let limit: UInt64
    private let state: Mutex<(bytes: [UInt8], writes: [Range<UInt64>], zeros: [Range<UInt64>])>

    init(size: Int, isSequential: Bool = false, zeroRun: Int?, limit: UInt64 = .max) {
      (self.isSequential, self.zeroRun, self.limit) = (isSequential, zeroRun, limit)
      state = Mutex(([UInt8](repeating: 0xAA, count: size), [], []))
    }

    var bytes: [UInt8] { state.withLock { $0.bytes } }
    var writes: [Range<UInt64>] { state.withLock { $0.writes } }
    var zeros: [Range<UInt64>] { state.withLock { $0.zeros } }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: GuestOffset) throws(IOError) {
      let range = offset.bytes..<offset.bytes + UInt64(bytes.count)
      guard range.upperBound <= limit else {
        throw IOError(.write, "output", at: offset.bytes, reason: .noSpace)
      }
      let copy = Array(bytes)
      state.withLock {
        $0.bytes.replaceSubrange(Int(range.lowerBound)..<Int(range.upperBound), with: copy)
        $0.writes.append(range)
      }
    }

    func writeZeros(_ range: GuestRange) {
      let bytes = range.start.bytes..<range.end.bytes
      state.withLock {
        $0.bytes.replaceSubrange(
          Int(bytes.lowerBound)..<Int(bytes.upperBound),
          with: repeatElement(0, count: bytes.count))
        $0.zeros.append(bytes)
      }
    }
  }

  private static let disk = Disk(
    size: 9 * pieceBytes + 512,
    [
      0..<4096, 20_480..<24_576, pieceBytes + 100_000..<pieceBytes + 300_000,
      6 * pieceBytes..<7 * pieceBytes, 9 * pieceBytes..<9 * pieceBytes + 512,
    ])

  @Test(
    "Every byte of a disk arrives, data as data and zeros as zeros", arguments: [1, 2, 5],
    [4096, 65536])
  func arrival(threads: Int, zeroRun: Int) throws {
    let output = Output(size: Self.disk.bytes.count, zeroRun: zeroRun)
    let transfer = DiskTransfer(Self.disk, to: output, progress: Progress())
    try transfer.run(threads: threads)
    #expect(output.bytes == Self.disk.bytes)
    let ranges = (output.writes + output.zeros).sorted { $0.lowerBound < $1.lowerBound }
    #expect(ranges.first?.lowerBound == 0 && ranges.last?.upperBound == Self.disk.virtualSize)
    for (left, right) in zip(ranges, ranges.dropFirst()) {
      #expect(left.upperBound == right.lowerBound, "each byte once")
    }
    #expect(transfer.writtenBytes == UInt64(output.writes.reduce(0) { $0 + $1.count }))
    #expect(output.writes.contains(0..<4096) == (zeroRun == 4096))
  }

  @Test("A sequential output gets everything in order", arguments: [1, 2, 5])
  func order(threads: Int) throws {
    let output = Output(size: Self.disk.bytes.count, isSequential: true, zeroRun: nil)
    try DiskTransfer(Self.disk, to: output, progress: Progress()).run(threads: threads)
    #expect(output.bytes == Self.disk.bytes)
    #expect(output.writes == output.writes.sorted { $0.lowerBound < $1.lowerBound })
  }

  @Test(
    "Pieces are whole clusters, so that none is restored twice", arguments: [512 << 10, 2 << 20])
  func clusters(clusterBytes: Int) throws {
    let reads = Reads()
    var disk = Disk(size: 8 << 20, [100..<5 << 20, 7 << 20..<8 << 20])
    disk.clusterBytes = clusterBytes
    disk.onRead = { reads.add($0.bytes, $1) }
    let output = Output(size: disk.bytes.count, zeroRun: 4096)
    try DiskTransfer(disk, to: output, progress: Progress()).run(threads: 3)
    #expect(output.bytes == disk.bytes)
    for (offset, count) in reads.all {
      #expect(offset % UInt64(clusterBytes) == 0 && count == clusterBytes)
    }
    #expect(Set(reads.all.map(\.0)).count == reads.all.count)
  }

  @Test("A failed write stops all workers", arguments: [true, false])
  func failure(isSequential: Bool) throws {
    let output = Output(
      size: Self.disk.bytes.count, isSequential: isSequential, zeroRun: 4096, limit: 300_000)
    let transfer = DiskTransfer(Self.disk, to: output, progress: Progress())
    let error = #expect(throws: ConversionError.self) { try transfer.run(threads: 3) }
    guard case .io(let cause) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(cause.reason == .noSpace)
  }

  @Test("A transfer stops when asked to", arguments: [true, false])
  func cancellation(isSequential: Bool) throws {
    let progress = Progress()
    var disk = Self.disk
    disk.onRead = { offset, _ in if offset.bytes > 0 { progress.cancel() } }
    let output = Output(size: disk.bytes.count, isSequential: isSequential, zeroRun: 4096)
    let transfer = DiskTransfer(disk, to: output, progress: progress)
    let error = #expect(throws: ConversionError.self) { try transfer.run(threads: 2) }
    #expect(error?.isInterruption == true)
  }

  /// What was read, by any thread.
  private final class Reads: Sendable {
    private let list = Mutex([(UInt64, Int)]())
    var all: [(UInt64, Int)] { list.withLock { $0 } }
    func add(_ offset: UInt64, _ count: Int) { list.withLock { $0.append((offset, count)) } }
  }
}
