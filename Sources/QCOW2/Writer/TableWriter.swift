package import DiskIO

/// Writes tables of 64-bit words, big-endian: L1 tables and refcount tables.
package enum TableWriter {
  /// How many words are encoded at a time: 256 KiB.
  private static let wordsPerPiece = 32 << 10

  /// Writes a table piece by piece.
  ///
  /// - Parameters:
  ///   - count: The number of its words.
  ///   - host: Where it begins.
  ///   - file: The image.
  ///   - word: Gives each word, in order.
  /// - Throws: `IOError`.
  package static func write(
    _ count: Int, at host: HostOffset, to file: borrowing OwnedFile, _ word: (Int) -> UInt64
  ) throws(IOError) {
    for start in stride(from: 0, to: count, by: wordsPerPiece) {
      var bytes: [UInt8] = []
      let end = min(start + wordsPerPiece, count)
      bytes.reserveCapacity((end - start) * 8)
      for index in start..<end { bytes.append(bigEndian: word(index)) }
      try file.write(bytes, at: host.bytes + UInt64(start) * 8)
    }
  }
}
