internal import CXXHash

/// The XXH3-128 digest of one whole guest cluster.
///
/// Its canonical form is 16 bytes, big-endian: `high`, then `low`.
public struct Digest: Hashable, Sendable {
  /// The first 8 canonical bytes as a big-endian number; masked to the order it is the bucket h1.
  public let high: UInt64
  /// The last 8 canonical bytes as a big-endian number; masked to the order it is the bucket h2.
  public let low: UInt64

  /// The digest with these two halves.
  @inlinable
  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// Computes the digest of `bytes`.
  public init(of bytes: UnsafeRawBufferPointer) {
    let hash = XXH3_128bits(bytes.baseAddress, bytes.count)
    self.init(high: hash.high64, low: hash.low64)
  }
}

extension Digest: CustomStringConvertible {
  /// The canonical form in 32 lower-case hexadecimal digits.
  public var description: String {
    [high, low].map { half in
      let digits = String(half, radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
  }
}
