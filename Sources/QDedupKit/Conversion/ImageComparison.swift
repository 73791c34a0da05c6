import Glibc
internal import DiskIO
package import DiskImage
internal import Synchronization

/// Compares two disks of the same size byte by byte, with several threads. Ranges in which neither
/// has data are skipped.
package final class ImageComparison: Sendable {
  private let left: any ImageSource
  private let right: any ImageSource
  private let progress: Progress
  private let position: Mutex<Position>
  private let failure = Mutex<ConversionError?>(nil)

  /// How far the disks are handed out, and the next data of each.
  private struct Position {
    var offset = GuestOffset(0)
    var left: DataCursor
    var right: DataCursor
  }

  /// How many bytes a thread compares at a time.
  private static let step: UInt64 = 1 << 20

  package init(_ left: any ImageSource, _ right: any ImageSource, progress: Progress) {
    self.left = left
    self.right = right
    self.progress = progress
    position = Mutex(Position(left: DataCursor(left), right: DataCursor(right)))
  }

  /// Compares everything.
  ///
  /// - Parameter threads: How many threads work.
  /// - Throws: `ConversionError.verificationFailed` with a place where they differ, `.interrupted`,
  ///   or what reading them failed with.
  package func run(threads: Int) throws(ConversionError) {
    guard left.virtualSize == right.virtualSize else {
      throw .verificationFailed(GuestOffset(min(left.virtualSize, right.virtualSize)))
    }
    WorkerThread.runAll(threads) { [self] error in
      failure.withLock { $0 = $0 ?? error }
    } _: { [self] () throws(ConversionError) in
      try work()
    }
    if let failure = failure.withLock({ $0 }) { throw failure }
  }

  private func work() throws(ConversionError) {
    let first = try Self.buffer()
    let second = try Self.buffer()
    while let range = try claim() {
      if progress.isCancelled { throw .interrupted }
      if failure.withLock({ $0 != nil }) { return }
      let count = Int(range.byteCount)
      let one = UnsafeMutableRawBufferPointer(rebasing: first.bytes[..<count])
      let two = UnsafeMutableRawBufferPointer(rebasing: second.bytes[..<count])
      try converting(ConversionError.image) { () throws(ImageError) in
        try left.read(into: one, at: range.start)
        try right.read(into: two, at: range.start)
      }
      if memcmp(one.baseAddress!, two.baseAddress!, count) != 0 {
        let differing = zip(one, two).enumerated().first { $0.element.0 != $0.element.1 }
        throw .verificationFailed(
          GuestOffset(range.start.bytes + UInt64(differing?.offset ?? 0)))
      }
      progress.reach(range.end.bytes)
    }
  }

  /// Takes the next range in which one of the two has data.
  private func claim() throws(ConversionError) -> GuestRange? {
    try position.withLock { position throws(ConversionError) in
      guard position.offset.bytes < left.virtualSize else { return nil }
      let ranges = try converting(ConversionError.image) { () throws(ImageError) in
        [
          try position.left.next(from: position.offset),
          try position.right.next(from: position.offset),
        ]
      }
      guard let start = ranges.compactMap({ $0?.start }).min() else { return nil }
      let end = GuestOffset(min(left.virtualSize, start.bytes + Self.step))
      position.offset = end
      return GuestRange(start, upTo: end)
    }
  }

  private static func buffer() throws(ConversionError) -> AlignedBuffer {
    try ConversionError.wrappingIO(
      try AlignedBuffer(byteCount: Int(step), purpose: "clusters to compare"))
  }
}
