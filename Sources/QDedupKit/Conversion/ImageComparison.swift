import Glibc
internal import DiskIO
package import DiskImage
internal import Synchronization

/// Compares two disks of the same size byte by byte, with several threads. Ranges in which neither
/// has data are passed over.
package final class ImageComparison: Sendable {
  private let left: any ImageSource
  private let right: any ImageSource
  private let progress: Progress
  private let position = Mutex(Position())
  private let failure = Mutex<ConversionError?>(nil)

  /// How far the disks are handed out, and the next data of each.
  private struct Position {
    var offset = GuestOffset(0)
    var data = [GuestRange?](repeating: GuestRange(GuestOffset(0), upTo: GuestOffset(0)), count: 2)
  }

  /// How many bytes a thread compares at a time.
  private static let step: UInt64 = 1 << 20

  package init(_ left: any ImageSource, _ right: any ImageSource, progress: Progress) {
    self.left = left
    self.right = right
    self.progress = progress
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
      // An image is asked again only behind the data that it has named.
      for (index, image) in [left, right].enumerated() {
        guard let range = position.data[index], range.end <= position.offset else { continue }
        position.data[index] = try converting(ConversionError.image) { () throws(ImageError) in
          try image.nextData(from: position.offset)
        }
      }
      guard let next = position.data.compactMap({ $0?.start }).min() else { return nil }
      let start = max(next, position.offset)
      let end = GuestOffset(min(left.virtualSize, start.bytes + Self.step))
      position.offset = end
      return GuestRange(start, upTo: end)
    }
  }

  private static func buffer() throws(ConversionError) -> AlignedBuffer {
    try converting(ConversionError.io) { () throws(IOError) in
      try AlignedBuffer(byteCount: Int(step), purpose: "clusters to compare")
    }
  }
}
