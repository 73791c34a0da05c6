import SystemPackage
import TestSupport
import Testing

/// A way in which `qemu-img` writes a qcow2 image of its own.
struct ImageVariant: Sendable, CustomTestStringConvertible {
  /// What goes after `-o`.
  let options: String
  /// Whether it is compressed.
  let isCompressed: Bool

  /// Options for `qemu-img convert -o`, compressed by `-c` or not.
  init(_ options: String, compressed: Bool = false) {
    (self.options, isCompressed) = (options, compressed)
  }

  var testDescription: String { options + (isCompressed ? " (-c)" : "") }

  /// Converts a raw image to this variant.
  func make(from raw: FilePath, at path: FilePath) throws -> QemuImage {
    let compression = isCompressed ? ["-c"] : []
    try QemuImage.run(
      ["convert", "-f", "raw", "-O", "qcow2"] + compression
        + ["-o", options, raw.string, path.string]
    ).expectingExit(0)
    return QemuImage(path)
  }

  /// Every version, cluster size, refcount width, preallocation and compression.
  static let all: [ImageVariant] =
    ["512", "4K", "16K", "64K", "2M"].map { Self("cluster_size=\($0)") }
    + ["512", "4K", "64K", "2M"].map { Self("compat=0.10,cluster_size=\($0)") }
    + [1, 2, 4, 8, 32, 64].map { Self("cluster_size=4K,refcount_bits=\($0)") }
    + ["metadata", "falloc", "full"].flatMap {
      [Self("preallocation=\($0)"), Self("preallocation=\($0),cluster_size=4K")]
    }
    + ["zlib", "zstd"].flatMap { type in
      ["512", "4K", "64K", "2M"].map {
        Self("compression_type=\(type),cluster_size=\($0)", compressed: true)
      }
    }
    + ["16K", "64K", "2M"].map { Self("extended_l2=on,cluster_size=\($0)") } + [
      Self("extended_l2=on,cluster_size=16K", compressed: true),
      Self("extended_l2=on,compression_type=zstd", compressed: true),
      Self("extended_l2=on,preallocation=metadata"),
      Self("compat=0.10", compressed: true),
      Self("lazy_refcounts=on,cluster_size=4K"),
    ]
}
