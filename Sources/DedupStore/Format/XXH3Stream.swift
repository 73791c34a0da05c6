internal import CXXHash

/// XXH3-64 of bytes that come piece by piece.
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

  /// Starts anew.
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
