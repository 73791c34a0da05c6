@testable import QCOW2
import TestSupport
import Testing

/// Which clusters are stored without being compressed.
@Suite struct NoiseTests {
  private static let sizes = [2048, 4096, 16_384, 65_536, 2 << 20]

  private func isNoise(_ cluster: [UInt8]) -> Bool {
    cluster.withUnsafeBytes { Noise.fills($0) }
  }

  @Test("Bytes by lot are noise", arguments: sizes)
  func noise(size: Int) {
    for seed in 1...20 as ClosedRange<UInt64> {
      #expect(isNoise(RawImage.noise(count: size, seed: seed)))
    }
  }

  @Test("What shrinks by a 32nd is not noise, however it shrinks", arguments: sizes)
  func repeated(size: Int) {
    let noise = RawImage.noise(count: size, seed: 7)
    let part = size / 32
    for start in [0, part, size / 2, size - part] {
      var zeros = noise
      for index in start..<start + part { zeros[index] = 0 }
      #expect(!isNoise(zeros), "zeros at \(start)")
    }
    // The same bytes again, at once or as far away as deflate reaches.
    for distance in [part, min(size / 2, 30_000)] {
      var again = noise
      again.replaceSubrange((size - part)..., with: noise[(size - part - distance)...].prefix(part))
      #expect(!isNoise(again), "from \(distance) before")
    }
    // Letters of one case are 26 of 256 values.
    #expect(!isNoise(noise.map { $0 % 26 + 97 }))
    #expect(!isNoise(noise.map { $0 < 20 ? 0 : $0 }))
  }

  @Test("Small clusters are compressed always", arguments: [512, 1024])
  func small(size: Int) {
    #expect(!isNoise(RawImage.noise(count: size, seed: 1)))
  }

  @Test(
    "Noise is restored, and takes its own size and the headers of stored blocks", arguments: sizes)
  func stored(size: Int) throws {
    let noise = RawImage.noise(count: size, seed: 9)
    for level in [1, 6, 9] {
      let compression = try #require(Compression(.zlib, level: level))
      let data = try compression.compressed(noise)
      #expect(data.count == size + 5 * ((size + 65_534) / 65_535))
      #expect(try ClusterDecompressor(.zlib).restored(data, count: size) == noise)
    }
  }
}
