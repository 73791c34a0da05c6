import DiskIO
import DiskImage
import SystemPackage
import TestSupport

extension ImageSource {
  /// `count` guest bytes at `offset`.
  func bytes(_ count: Int, at offset: UInt64) throws -> [UInt8] {
    let buffer = try AlignedBuffer(byteCount: count, purpose: "a test")
    buffer.bytes.initializeMemory(as: UInt8.self, repeating: 0xEE)
    try read(into: buffer.bytes, at: GuestOffset(offset))
    return Array(buffer.bytes)
  }

  /// All ranges that may hold data.
  func dataRanges() throws -> [GuestRange] {
    var (ranges, offset) = ([GuestRange](), GuestOffset(0))
    while let range = try nextData(from: offset) {
      ranges.append(range)
      offset = range.end
    }
    return ranges
  }
}

/// A range of guest bytes.
func guestRange(_ range: Range<UInt64>) -> GuestRange {
  GuestRange(GuestOffset(range.lowerBound), upTo: GuestOffset(range.upperBound))
}

/// Random bytes from a seed, none of them zero.
func randomBytes(_ count: Int, seed: UInt64) -> [UInt8] {
  var generator = SplitMix64(seed: seed)
  return (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next() >> 32) | 1 }
}
