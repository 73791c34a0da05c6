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

/// XXH3-64 of bytes that come piece by piece: the checksum of header, dump and incarnations.
package struct XXH3Stream: ~Copyable {
  private let state: OpaquePointer

  /// A hash of no bytes yet.
  ///
  /// - Throws: `StoreError.memory` if there is not enough.
  package init() throws(StoreError) {
    guard let state = XXH3_createState() else {
      throw .memory(byteCount: 576, purpose: "a checksum")
    }
    self.state = state
  }

  deinit { XXH3_freeState(state) }

  /// Starts again with no bytes.
  package func reset() {
    XXH3_64bits_reset(state)
  }

  /// Adds `bytes`.
  package func update(_ bytes: UnsafeRawBufferPointer) {
    XXH3_64bits_update(state, bytes.baseAddress, bytes.count)
  }

  /// The hash of everything that was added.
  package var value: UInt64 { XXH3_64bits_digest(state) }

  /// The hash of `bytes` alone.
  package static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    XXH3_64bits(bytes.baseAddress, bytes.count)
  }
}
