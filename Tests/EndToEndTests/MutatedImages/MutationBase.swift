import SystemPackage
import TestSupport
import Testing

/// A sound image, of which mutated ones are made.
struct MutationBase: Sendable, CustomTestStringConvertible {
  let name: String
  /// What QEMU makes; nil for an image with a hash store.
  private let variant: ImageVariant?
  private let hasSnapshots: Bool

  private init(_ name: String, _ variant: ImageVariant?, hasSnapshots: Bool = false) {
    (self.name, self.variant, self.hasSnapshots) = (name, variant, hasSnapshots)
  }

  var testDescription: String { name }

  /// Every kind of table, header and compression.
  static let all = [
    MutationBase("plain, 64K", ImageVariant("cluster_size=64K")),
    MutationBase("plain, 4K", ImageVariant("cluster_size=4K")),
    MutationBase("plain, 512", ImageVariant("cluster_size=512")),
    MutationBase("version 2", ImageVariant("compat=0.10,cluster_size=4K")),
    MutationBase("zlib", ImageVariant("cluster_size=4K", compressed: true)),
    MutationBase("zstd", ImageVariant("compression_type=zstd", compressed: true)),
    MutationBase("extended L2", ImageVariant("extended_l2=on,cluster_size=16K")),
    MutationBase("snapshots", ImageVariant("cluster_size=4K"), hasSnapshots: true),
    MutationBase("hash store", nil),
  ]

  /// Makes the image.
  ///
  /// - Parameter folder: Where it may be until then.
  /// - Returns: Its bytes.
  /// - Throws: `TestSupportError` if it cannot be made.
  func make(in folder: TemporaryDirectory) throws -> [UInt8] {
    let (raw, path) = (folder.file("base.img"), folder.file("base.qcow2"))
    try RawImage.write(RawImage.mixtureWithTexts(clusters: 60, size: 4096, seed: 411), to: raw)
    guard let variant else {
      let arguments = ["convert", "-q", "--log-store-order", "2", raw.string, path.string]
      try Command.qdedup(arguments).run().expectingExit(0)
      return try RawImage.read(path)
    }
    let image = try variant.make(from: raw, at: path)
    try image.perform("write -z 20k 12k", "discard 200k 16k")
    if hasSnapshots {
      for name in ["first", "second"] {
        try image.takeSnapshot(name)
        try image.perform("write -P 3 5000 9000")
      }
    }
    return try RawImage.read(path)
  }

  /// The options that make a conversion read a part that the mutation may have met.
  func options(seed: UInt64) -> [String] {
    hasSnapshots && seed % 2 == 1 ? ["--snapshot", "1"] : []
  }
}
