internal import CFuzzing
internal import DiskIO

/// Changes an image mostly where its header and its tables stand.
///
/// An image is nearly all data, whose bytes say nothing; changes at random places would hardly ever
/// meet a table.
struct ImageMutator {
  private let image: UnsafeMutableRawBufferPointer
  private var random: UInt32

  /// - Parameters:
  ///   - image: The bytes to change.
  ///   - seed: What decides which part is changed.
  init(_ image: UnsafeMutableRawBufferPointer, seed: UInt32) {
    self.image = image
    random = seed
  }

  /// Changes a part of the image in place.
  ///
  /// - Returns: Whether there was such a part; else the image is as it was.
  mutating func change() -> Bool {
    guard image.count >= 112 else { return false }
    let part: Range<UInt64>
    switch next(below: 6) {
    case 0: part = 0..<112
    case 1: part = 72..<1024
    case 2: part = l1
    case 3, 4: part = table(at: number(at: l1.lowerBound + 8 * UInt64(next(below: 4))))
    default: part = table(at: number(at: 64))
    }
    let inside = part.clamped(to: 0..<UInt64(image.count))
    guard !inside.isEmpty, let start = image.baseAddress else { return false }
    let bytes = start.assumingMemoryBound(to: UInt8.self) + Int(inside.lowerBound)
    _ = LLVMFuzzerMutate(bytes, inside.count, inside.count)
    return true
  }

  /// The L1 table, as far as it matters.
  private var l1: Range<UInt64> {
    let start = number(at: 40)
    return start..<start.advanced(by: 64)
  }

  /// The beginning of a table, or a part of it further on.
  private mutating func table(at entry: UInt64) -> Range<UInt64> {
    let start = entry & 0x00FF_FFFF_FFFF_FE00 + UInt64(next(below: 4)) * 64
    return start..<start + 128
  }

  /// The number at a place; 0 outside the image. Numbers that cannot be places count as 0 too.
  private func number(at offset: UInt64) -> UInt64 {
    guard offset + 8 <= image.count else { return 0 }
    let value = UnsafeRawBufferPointer(image).loadBigEndian(UInt64.self, at: Int(offset))
    return value & 0x00FF_FFFF_FFFF_FFFF
  }

  /// A number from a short sequence that the seed decides (xorshift).
  private mutating func next(below limit: UInt32) -> UInt32 {
    random ^= random << 13
    random ^= random >> 17
    random ^= random << 5
    return random % limit
  }
}

/// What libFuzzer calls for a new input: nine times out of ten the mutator above.
@_cdecl("LLVMFuzzerCustomMutator")
public func mutateImage(
  _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int, _ most: Int, _ seed: UInt32
) -> Int {
  let image = UnsafeMutableRawBufferPointer(start: bytes, count: count)
  var mutator = ImageMutator(image, seed: seed | 1)
  if seed % 10 != 0, mutator.change() { return count }
  return LLVMFuzzerMutate(bytes, count, most)
}
