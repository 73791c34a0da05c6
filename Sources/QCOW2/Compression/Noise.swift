/// Tells clusters that deflate cannot shrink, such as those of archives and pictures, sooner than an
/// encoder finds out.
///
/// Deflate has two means, and both are looked for:
///
/// 1. Some bytes are more frequent than others. With `squares` the sum of (count − mean)² / mean over
///    the 256 values, a code for them saves about (squares − 255) / 11 bytes of a cluster of any size
///    (the second term of the entropy's series), less what its description takes.
/// 2. Bytes occur again. An eighth of all places, chosen by their content, so that equal bytes are
///    chosen in both places, is looked up among those before.
///
/// Most clusters are known to shrink from a few samples. A pure function of the bytes.
enum Noise {
  /// Whether a cluster has hardly anything that deflate could use: some 50 bytes and a 256th of it.
  static func fills(_ cluster: UnsafeRawBufferPointer) -> Bool {
    guard cluster.count >= leastSize, looksEven(cluster) else { return false }
    return isEven(cluster, from: [0], length: cluster.count, most: evenSquares)
      && !repeats(cluster)
  }

  /// Smaller clusters have too few bytes to count, and are soon compressed.
  private static let leastSize = 2048
  /// For bytes drawn by lot, `squares` is 255, and 22 more or less is usual.
  private static let evenSquares = 800.0
  /// A few bytes vary more.
  private static let sampleSquares = 420.0

  /// Whether eight samples of 128 bytes have all values about equally often.
  private static func looksEven(_ cluster: UnsafeRawBufferPointer) -> Bool {
    isEven(
      cluster, from: (0..<8).map { $0 * (cluster.count / 8) }, length: 128, most: sampleSquares)
  }

  private static func isEven(
    _ cluster: UnsafeRawBufferPointer, from starts: [Int], length: Int, most: Double
  ) -> Bool {
    // Equal bytes are often side by side: four tables, so that no count waits for the one before.
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 4 * 256) { counts in
      counts.initialize(repeating: 0)
      for start in starts {
        for index in stride(from: start, to: start + length, by: 4) {
          let word = cluster.loadUnaligned(fromByteOffset: index, as: UInt32.self)
          counts[Int(word & 255)] += 1
          counts[256 + Int(word >> 8 & 255)] += 1
          counts[512 + Int(word >> 16 & 255)] += 1
          counts[768 + Int(word >> 24)] += 1
        }
      }
      let mean = Double(starts.count * length) / 256
      var squares = 0.0
      for value in 0..<256 {
        let count = counts[value] + counts[256 + value] + counts[512 + value] + counts[768 + value]
        squares += (Double(count) - mean) * (Double(count) - mean)
      }
      return squares / mean <= most
    }
  }

  /// Whether four bytes or more occur again in more than a 2048th of the cluster's places.
  private static func repeats(_ cluster: UnsafeRawBufferPointer) -> Bool {
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 1 << placeBits) { places in
      places.initialize(repeating: 0)
      var again = 0
      for index in 0..<(cluster.count - 3) {
        let word = cluster.loadUnaligned(fromByteOffset: index, as: UInt32.self)
        let hash = word &* 0x9E37_79B1
        guard hash >> 29 == 0 else { continue }
        let slot = Int(hash >> UInt32(29 - placeBits) & (1 << UInt32(placeBits) - 1))
        let before = Int(places[slot])
        if before > 0,
          cluster.loadUnaligned(fromByteOffset: before - 1, as: UInt32.self) == word
        {
          again += 1
        }
        places[slot] = UInt32(index + 1)
      }
      return again > cluster.count >> 11
    }
  }

  /// The binary logarithm of how many places are remembered.
  private static let placeBits = 12
}
