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
