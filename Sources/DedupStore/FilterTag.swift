/// A number that can be a tag in RAM, and how a line of such numbers is compared.
///
/// A line holds the tags of one bucket in all incarnations of a panel: slot 0 of every lane, then
/// slot 1, and so on.
protocol FilterTag: FixedWidthInteger, UnsignedInteger, BitwiseCopyable, Sendable {
  /// How many incarnations share a panel.
  static var lanes: Int { get }
  /// Finds whether `tag` is anywhere in a line, which must be aligned to its own size.
  ///
  /// - Returns: Zero if it is not, anything else if it is.
  static func matches(_ tag: Self, in line: UnsafeRawPointer) -> UInt64
}

extension FilterTag {
  /// What an unused slot holds: no tag is as large, because a tag has `order` bits, fewer than Self.
  static var unused: Self { .max }
  /// The bytes of a line.
  static var lineBytes: Int { StoreGeometry.slotsPerBucket * lanes * MemoryLayout<Self>.stride }
}

extension UInt16: FilterTag {
  /// Two cache lines, which the processor fetches together; a panel is small at these orders.
  static var lanes: Int { 16 }

  @inline(__always)
  static func matches(_ tag: UInt16, in line: UnsafeRawPointer) -> UInt64 {
    let wanted = SIMD8<UInt16>(repeating: tag)
    var found = SIMDMask<SIMD8<Int16>>()
    for part in 0..<lineBytes / 16 {
      found .|= line.load(fromByteOffset: part * 16, as: SIMD8<UInt16>.self) .== wanted
    }
    let halves = unsafeBitCast(found, to: SIMD2<UInt64>.self)
    return halves[0] | halves[1]
  }
}

extension UInt32: FilterTag {
  /// One cache line; a panel is large at these orders, and what it has to spare is memory lost.
  static var lanes: Int { 4 }

  @inline(__always)
  static func matches(_ tag: UInt32, in line: UnsafeRawPointer) -> UInt64 {
    let wanted = SIMD4<UInt32>(repeating: tag)
    var found = SIMDMask<SIMD4<Int32>>()
    for part in 0..<lineBytes / 16 {
      found .|= line.load(fromByteOffset: part * 16, as: SIMD4<UInt32>.self) .== wanted
    }
    let halves = unsafeBitCast(found, to: SIMD2<UInt64>.self)
    return halves[0] | halves[1]
  }
}
