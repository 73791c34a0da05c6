extension ReadableFixture {
  static let layouts: [Self] =
    [("512", 512), ("4k", 4096), ("64k", 65536), ("2m", 2 << 20)].map {
      standard("v3-\($0)", cluster: $1)
    }
    + [("512", 512), ("64k", 65536)].map { standard("v2-\($0)", cluster: $1) }
    + [1, 2, 4, 8, 32, 64].map { standard("refcount-\($0)") }
    + ["metadata", "falloc", "full"].map { standard("preallocated-\($0)") } + [
      Self("empty", 1 << 20, []),
      Self("size-zero", 0, []),
      Self("resized", 14336, [DiskPiece(0, 4096, 0x11), DiskPiece(8192, 6144, 0x22)]),
      Self(
        "dirty", DiskPiece.standardSize(4096),
        DiskPiece.standard(4096) + [DiskPiece(4096, 4096, 0x55)]),
      Self(
        "shared-l2", 65536,
        DiskPiece.standard(512)
          + DiskPiece.standard(512).map {
            guard case .byte(let byte) = $0.content else { return $0 }
            return DiskPiece($0.offset + 32768, $0.length, byte)
          }),
    ]

  static let compressed: [Self] =
    [
      standard("zlib-512", cluster: 512), standard("zlib-v2", cluster: 65536),
      standard("zlib-64k", cluster: 65536), standard("zlib-2m", cluster: 2 << 20),
      standard("zstd-64k", cluster: 65536), standard("zstd-2m", cluster: 2 << 20),
    ]
    + ["zlib-packed", "zstd-packed"].map { name in
      Self(name, 24576, (0..<6).map { DiskPiece($0 * 4096, 2600, noise: UInt64($0)) })
    } + [
      Self(
        "zlib-rewritten", DiskPiece.standardSize(4096),
        [
          DiskPiece(0, 1024, 0x11), DiskPiece(1024, 1024, 0x55), DiskPiece(2048, 2048, 0x11),
          DiskPiece(4096, 4096, 0x66), DiskPiece(12288, 4096, 0x22),
          DiskPiece(21504, 2048, 0x33), DiskPiece(28672, 512, 0x44),
        ])
    ]

  static let zeros: [Self] = {
    let written = [
      DiskPiece(0, 4096, 0x55), DiskPiece(8192, 4096, 0x55), DiskPiece(20480, 8192, 0x55),
    ]
    let uncovered = [DiskPiece(32768, 8192, 0xAA), DiskPiece(45056, 86016, 0xAA)]
    return [
      Self("zeros", 1 << 17, written), Self("zeros-v2", 1 << 17, written),
      Self("zeros-backing", 1 << 17, written + uncovered, others: ["zeros-backing.raw"]),
      Self("subclusters-16k", 1 << 17, subclusters(512)),
      Self("subclusters-32k", 1 << 17, subclusters(1024)),
      Self(
        "subclusters-backing", 1 << 17, subclusters(512) + subclusterGaps(512),
        others: ["subclusters-backing.raw"]),
      standard("subclusters-zlib", cluster: 16384),
    ]
  }()

  /// What was written into an image with extended L2 entries, in subclusters of this size.
  private static func subclusters(_ size: Int) -> [DiskPiece] {
    [
      DiskPiece(size, size, 0x11), DiskPiece(3 * size, 2 * size, 0x22),
      DiskPiece(6 * size, size, 0x22), DiskPiece(31 * size, 2 * size, 0x33),
      DiskPiece(96 * size, 8 * size, 0x44),
    ]
  }

  /// Where such an image shows the backing file: all but what was written, as data or as zeros.
  private static func subclusterGaps(_ size: Int) -> [DiskPiece] {
    let covered = [1, 3, 4, 5, 6, 10, 11, 31, 32, 40] + Array(64..<104)
    return (0..<(1 << 17) / size).filter { !covered.contains($0) }
      .map { DiskPiece($0 * size, size, 0xAA) }
  }

  static let headers: [Self] = [
    "bitmap", "unknown-extension", "unknown-features", "header-104", "header-long",
  ].map { standard($0) }

  static let snapshots: [Self] = {
    let first = [DiskPiece(0, 8192, 0x11)]
    let second = [
      DiskPiece(0, 4096, 0x11), DiskPiece(4096, 8192, 0x22), DiskPiece(32768, 4096, 0x23),
    ]
    let third = [
      DiskPiece(4096, 4096, 0x22), DiskPiece(8192, 512, 0x33), DiskPiece(8704, 3584, 0x22),
      DiskPiece(32768, 4096, 0x23),
    ]
    let now = [
      DiskPiece(4096, 4096, 0x44), DiskPiece(8192, 512, 0x33), DiskPiece(8704, 3584, 0x22),
    ]
    return [
      Self("snapshots", 12288, now),
      Self("snapshots", 16384, first, snapshot: "first"),
      Self("snapshots", 16384, first, snapshot: "1"),
      Self("snapshots", 40960, second, snapshot: "second"),
      Self("snapshots", 40960, second, snapshot: "2"),
      Self("snapshots", 40960, third, snapshot: "3"),
      Self("snapshot-v2", 16384, [DiskPiece(0, 4096, 0x22), DiskPiece(4096, 4096, 0x11)]),
      Self("snapshot-v2", 16384, first, snapshot: "old"),
      Self("snapshot-v2", 16384, first, snapshot: "1"),
    ]
  }()

  static let dataFiles: [Self] = ["data-file", "data-file-raw"].map {
    standard($0, others: ["\($0).raw"])
  }
}
