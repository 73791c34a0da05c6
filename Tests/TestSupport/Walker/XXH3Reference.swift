internal import CXXHash

/// xxHash's own XXH3, called without the program's code.
enum XXH3Reference {
  /// XXH3-64 with seed 0.
  static func hash64(_ bytes: [UInt8]) -> UInt64 {
    bytes.withUnsafeBytes { XXH3_64bits($0.baseAddress, $0.count) }
  }

  /// XXH3-128 with seed 0 in its canonical form: 16 bytes, the most significant first.
  static func hash128(_ bytes: [UInt8]) -> [UInt8] {
    let hash = bytes.withUnsafeBytes { XXH3_128bits($0.baseAddress, $0.count) }
    return [hash.high64, hash.low64].flatMap { withUnsafeBytes(of: $0.bigEndian, Array.init) }
  }
}
