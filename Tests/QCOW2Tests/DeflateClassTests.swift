import DiskImage
import QCOW2
import Testing
import TestSupport

/// What each class of deflate output asks of a reader: whether it may take a cluster out in pieces.
/// zlib restores everything here, with the window of 4 KiB that qcow2 names; no code of the program
/// takes part. What other programs read is in `ReaderTests`.
@Suite struct DeflateClassTests {
  /// Noise that comes again after so many bytes, and nothing else.
  private func repeats(every distance: Int, count: Int) -> [UInt8] {
    let noise = RawImage.noise(count: distance, seed: 11)
    return (0..<count).map { noise[$0 % distance] }
  }

  /// Clusters of all kinds, and those that ask for matches across 5,000 and 30,000 bytes.
  private func clusters(of size: Int) -> [[UInt8]] {
    ClusterContent.allCases.map { $0.bytes(count: size, seed: 12) }
      + [5000, 30_000].filter { $0 < size }.map { repeats(every: $0, count: size) }
  }

  /// The lowest, the usual and the highest level, and one of each other way to search for matches.
  private func compressions(_ window: Compression.DeflateWindow) throws -> [Compression] {
    try [1, 2, 6, 8, 9].map {
      try #require(Compression(.zlib, level: $0, deflateWindow: window))
    }
  }

  private func expectRestored(
    _ size: Int, _ window: Compression.DeflateWindow, piece: Int
  ) throws {
    for compression in try compressions(window) {
      let compressor = try ClusterCompressor(compression, clusterSize: size)
      for (number, cluster) in clusters(of: size).enumerated() {
        let data = try compressor.compressed(cluster)
        #expect(
          Decompression.deflate(data, count: size, piece: piece) == cluster,
          "content \(number), level \(compression.level ?? 0)")
      }
    }
  }

  @Test(
    "Clusters of up to 4 KiB, and from 32 KiB on, are restored in pieces of any size",
    arguments: [512, 1024, 2048, 4096, 32_768, 65_536, 131_072])
  func smallWindow(size: Int) throws {
    try expectRestored(size, .standard, piece: 100)
  }

  @Test(
    "Clusters of 8 and 16 KiB are restored by whoever takes 16 KiB at a time",
    arguments: [8192, 16_384])
  func wholeCluster(size: Int) throws {
    try expectRestored(size, .standard, piece: 16_384)
  }

  @Test(
    "With the largest window, clusters of all sizes are restored in one piece",
    arguments: [512, 4096, 8192, 16_384, 32_768, 65_536, 131_072])
  func largestWindow(size: Int) throws {
    try expectRestored(size, .largest, piece: size + 1)
  }

  /// Otherwise the classes above would be one, and the documentation would warn of nothing.
  @Test("Matches that reach farther than 4 KiB are there where they are said to be, and pay")
  func farMatches() throws {
    func data(_ size: Int, _ window: Compression.DeflateWindow) throws -> [UInt8] {
      let compression = try #require(Compression(.zlib, deflateWindow: window))
      return try compression.compressed(repeats(every: 5000, count: size))
    }
    for (size, window) in [(8192, .standard), (16_384, .standard), (65_536, .largest)]
      as [(Int, Compression.DeflateWindow)]
    {
      let data = try data(size, window)
      #expect(data.count < 6000, "\(size)")
      #expect(Decompression.deflate(data, count: size, piece: 100) == nil, "\(size)")
    }
    #expect(try data(32_768, .standard).count > 30_000)
    #expect(try data(32_768, .largest).count < 6000)
  }
}
