import SystemPackage
import TestSupport

/// A range of a disk with the same byte all over, or with noise. What no piece covers is zeros.
struct DiskPiece: Sendable {
  /// What is in a range.
  enum Content: Sendable {
    case byte(UInt8)
    case noise(seed: UInt64)
  }

  let offset: Int
  let length: Int
  let content: Content

  /// A range of one byte.
  init(_ offset: Int, _ length: Int, _ byte: UInt8) {
    (self.offset, self.length, content) = (offset, length, .byte(byte))
  }

  /// A range of noise.
  init(_ offset: Int, _ length: Int, noise seed: UInt64) {
    (self.offset, self.length, content) = (offset, length, .noise(seed: seed))
  }

  /// The bytes of the range.
  var bytes: [UInt8] {
    switch content {
    case .byte(let byte): [UInt8](repeating: byte, count: length)
    case .noise(let seed): RawImage.noise(count: length, seed: seed)
    }
  }

  /// The standard content for clusters of this size, see `Fixtures/README.md`.
  static func standard(_ cluster: Int) -> [DiskPiece] {
    [
      DiskPiece(0, cluster, 0x11), DiskPiece(2 * cluster, 2 * cluster, 0x22),
      DiskPiece(5 * cluster + cluster / 4, cluster / 2, 0x33), DiskPiece(7 * cluster, 512, 0x44),
    ]
  }

  /// The size of the disk with the standard content.
  static func standardSize(_ cluster: Int) -> Int { 7 * cluster + 512 }

  /// Makes a raw image of pieces.
  static func write(_ pieces: [DiskPiece], size: Int, to path: FilePath) throws {
    var islands: [Int64: [UInt8]] = [:]
    for piece in pieces { islands[Int64(piece.offset)] = piece.bytes }
    try RawImage.sparse(at: path, size: Int64(size), islands: islands)
  }
}
