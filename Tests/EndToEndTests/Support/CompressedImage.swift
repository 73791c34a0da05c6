import SystemPackage
import TestSupport
import Testing

/// What the tests of `-c` share.
enum CompressedImage {
  /// The methods of compression, as `--compression-type` and `qemu-img info` name them.
  static let types = ["zlib", "zstd"]

  /// Options for a compressed image, in clusters of 4 KiB unless others are named.
  static func options(_ type: String, _ others: String...) -> [String] {
    ["-c", "--cluster-size", "4K", "--compression-type", type] + others
  }

  /// Clusters in a seeded order: zeros, texts, nearly zeros, noise, and many of them repeated.
  static func mixture(clusters: Int, size: Int, seed: UInt64) -> [UInt8] {
    var random = SplitMix64(seed: seed)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(clusters * size)
    for index in 0..<clusters {
      let isRepeated = random.next() % 3 == 0
      let number = isRepeated ? random.next() % 20 : UInt64(index) + 100
      switch random.next() % 4 {
      case 0:
        bytes += [UInt8](repeating: 0, count: size)
      case 1:
        bytes += RawImage.noise(count: size, seed: number)
      case 2:
        let line = Array("option_\(number) = \(number &* number)\n".utf8)
        for offset in 0..<size { bytes.append(line[offset % line.count]) }
      default:
        let start = RawImage.noise(count: min(size, 40), seed: number)
        bytes += start + [UInt8](repeating: 0, count: size - start.count)
      }
    }
    return bytes
  }
}

/// Expects a sound image whose data is all compressed, with this method.
///
/// - Parameters:
///   - output: The image.
///   - input: The raw image that it was made from.
///   - type: `zlib` or `zstd`.
///   - sourceLocation: Where the expectation is.
/// - Returns: The image, walked.
/// - Throws: An error if a tool is missing or the image cannot be walked.
@discardableResult
func expectCompressed(
  _ output: FilePath, equals input: FilePath, with type: String,
  sourceLocation: SourceLocation = #_sourceLocation
) throws -> QCOW2Walker {
  let walker = try expectSound(output, equals: input, sourceLocation: sourceLocation)
  let plain = walker.mappings.filter { !$0.isCompressed }
  #expect(plain == [], "clusters that are not compressed", sourceLocation: sourceLocation)
  #expect(
    walker.header.compressionType == (type == "zstd" ? 1 : 0), sourceLocation: sourceLocation)
  let info = try QemuImage(output).info()
  #expect(info.formatSpecific?.data.compressionType == type, sourceLocation: sourceLocation)
  return walker
}
