/// The tags of one bucket in as many incarnations as make a group: slot 0 of every lane, then slot
/// 1, and so on.
///
/// A tag in RAM is 16 bits of the digest, whatever the order; those on disk (S1) have `order` bits.
/// The more bits, the fewer match by chance; with 16, a miss over 128 incarnations reads a bucket
/// for nothing once in seventy times.
enum TagLine {
  /// How many incarnations make a group.
  static let lanes = 8
  /// The bytes of a line: a cache line, so that none is loaded for half of it.
  static let byteCount = StoreGeometry.slotsPerBucket * lanes * MemoryLayout<UInt16>.stride
  /// What an unused slot holds; no tag is as large.
  static let unused = UInt16.max

  /// The tag of an entry that is in the bucket of one half of its digest, from the other half.
  @inline(__always)
  static func tag(_ otherHalf: UInt64) -> UInt16 {
    min(UInt16(truncatingIfNeeded: otherHalf), unused - 1)
  }

  /// Finds whether `tag` is anywhere in a line, which must be aligned to its own size.
  ///
  /// - Returns: Zero if it is not, anything else if it is.
  @inline(__always)
  static func matches(_ tag: UInt16, in line: UnsafeRawPointer) -> UInt64 {
    let wanted = SIMD8<UInt16>(repeating: tag)
    var found = SIMDMask<SIMD8<Int16>>()
    for slot in 0..<StoreGeometry.slotsPerBucket {
      found .|= line.load(fromByteOffset: slot * lanes * 2, as: SIMD8<UInt16>.self) .== wanted
    }
    let halves = unsafeBitCast(found, to: SIMD2<UInt64>.self)
    return halves[0] | halves[1]
  }
}

/// Where the lines of a group are in memory.
struct GroupPlace {
  /// The line of bucket 0.
  private let base: UnsafeMutableRawPointer
  /// The bytes from one bucket's line to the next one's.
  private let stride: Int

  init(base: UnsafeMutableRawPointer, stride: Int) {
    self.base = base
    self.stride = stride
  }

  /// The line of a bucket. The product is one of memory that exists, so it needs no check, of which a
  /// lookup would make hundreds.
  @inline(__always)
  func line(of bucket: Int) -> UnsafeMutableRawPointer { base + bucket &* stride }

  /// The tag of a slot of a bucket in one lane of the group.
  @inline(__always)
  func tag(ofSlot slot: Int, of bucket: Int, lane: Int) -> UInt16 {
    tags(of: bucket)[slot * TagLine.lanes + lane]
  }

  /// Sets the tag of a slot of a bucket in one lane of the group.
  @inline(__always)
  func setTag(_ tag: UInt16, ofSlot slot: Int, of bucket: Int, lane: Int) {
    tags(of: bucket)[slot * TagLine.lanes + lane] = tag
  }

  @inline(__always)
  private func tags(of bucket: Int) -> UnsafeMutablePointer<UInt16> {
    line(of: bucket).assumingMemoryBound(to: UInt16.self)
  }
}
