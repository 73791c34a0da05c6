extension ReadableFixture {
  static let chains: [Self] = [
    Self(
      "backing-raw", 32768,
      [
        DiskPiece(0, 6144, 0xA1), DiskPiece(6144, 1024, 0x11), DiskPiece(7168, 5120, 0xA1),
        DiskPiece(16384, 4096, 0xA1),
      ], others: ["backing-raw.raw"]),
    Self(
      "backing-guessed", 32768,
      [DiskPiece(0, 6144, 0xA1), DiskPiece(6144, 1024, 0x11), DiskPiece(7168, 13312, 0xA1)],
      others: ["backing-guessed.raw"]),
    Self(
      "backing-shorter", 65536,
      [DiskPiece(0, 10240, 0xA1), DiskPiece(11264, 512, 0x12), DiskPiece(40960, 4096, 0x11)],
      others: ["backing-shorter-base.qcow2"]),
    Self(
      "backing-longer", 16896, [DiskPiece(0, 512, 0x11), DiskPiece(8192, 8704, 0xA1)],
      others: ["backing-longer-base.qcow2"]),
    Self(
      "chain", 65536,
      [
        DiskPiece(0, 1024, 0x11), DiskPiece(1024, 7168, 0xA1), DiskPiece(8192, 2048, 0xB1),
        DiskPiece(10240, 512, 0x12), DiskPiece(10752, 1536, 0xB1), DiskPiece(12288, 4096, 0xA1),
        DiskPiece(17408, 512, 0x13), DiskPiece(20480, 28672, 0xA1),
        DiskPiece(49152, 8192, 0xB2), DiskPiece(57344, 512, 0x14),
      ], others: ["chain-middle.qcow2", "chain-base.raw"]),
  ]
}
