internal import DedupStore

/// What a cluster takes compressed, in bytes; 0 for zeros, and for what was not compressed.
struct CompressedCluster {
  var bytes: Int
  /// How far that may be off, because it follows from smaller clusters.
  var doubt = 0
}

/// The pieces of 4 KiB of a unit of a sample, with their digests.
struct SamplePieces {
  let bytes: UnsafeRawBufferPointer
  let digests: [Digest]

  init(_ bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
    digests = (0..<bytes.count >> ImageScan.pieceBits).map { index in
      ImageScan.digest(bytes, index)
    }
  }

  /// The bytes of the cluster of 2^size pieces that begins with piece `first`.
  func cluster(_ first: Int, _ size: Int) -> UnsafeRawBufferPointer {
    let start = first << ImageScan.pieceBits
    return UnsafeRawBufferPointer(
      rebasing: bytes[start..<start + 1 << (ImageScan.pieceBits + size)])
  }

  /// How many of its pieces are not zeros.
  func dataCount(_ first: Int, _ size: Int) -> Int {
    digests[first..<first + 1 << size].reduce(0) { $1 == ImageScan.zero ? $0 : $0 + 1 }
  }

  /// The key of the cluster.
  func key(_ first: Int, _ size: Int) -> UInt64 {
    digests[first..<first + 1 << size].withUnsafeBufferPointer(ImageScan.key)
  }
}
