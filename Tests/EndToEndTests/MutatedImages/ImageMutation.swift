import TestSupport

/// Changes a qcow2 image at a few places of its header and its tables, by a seed.
struct ImageMutation {
  private var bytes: [UInt8]
  private var random: SplitMix64

  private init(_ image: [UInt8], seed: UInt64) {
    bytes = image
    random = SplitMix64(seed: seed)
  }

  /// A changed image; the same one for the same image and seed.
  static func of(_ image: [UInt8], seed: UInt64) -> [UInt8] {
    var mutation = ImageMutation(image, seed: seed)
    for _ in 0...mutation.random.next() % 4 { mutation.changeOnce() }
    return mutation.bytes
  }

  /// Where the fields of the header begin, and their widths; without the magic number, because a
  /// file that lacks it is a raw disk.
  private static let headerFields = [
    (4, 4), (8, 8), (16, 4), (20, 4), (24, 8), (32, 4), (36, 4), (40, 8), (48, 8), (56, 4), (60, 4),
    (64, 8), (72, 8), (80, 8), (88, 8), (96, 4), (100, 4), (104, 1),
  ]

  private mutating func changeOnce() {
    switch random.next() % 16 {
    case 0...4:
      let (offset, width) = Self.headerFields.randomElement(using: &random) ?? (4, 4)
      change(at: offset, width: width)
    case 5, 6:
      change(at: 104 + below(400), width: [1, 4, 8].randomElement(using: &random) ?? 1)
    case 7, 8:
      change(at: l1 + 8 * below(4), width: 8)
    case 9...12:
      let table = Int(truncatingIfNeeded: number(at: l1, width: 8) & 0x00FF_FFFF_FFFF_FE00)
      change(at: table &+ 8 * below(128), width: 8)
    case 13, 14:
      let table = Int(truncatingIfNeeded: number(at: 64, width: 8))
      change(at: table &+ 2 * below(60), width: [2, 4, 8].randomElement(using: &random) ?? 2)
    default:
      bytes.removeLast(below(min(bytes.count, 1 << below(18))))
    }
  }

  /// Puts another number at a place, if the image has it.
  private mutating func change(at offset: Int, width: Int) {
    guard offset >= 0, offset <= bytes.count - width else { return }
    let value = value(insteadOf: number(at: offset, width: width))
    for index in 0..<width {
      bytes[offset + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * (width - 1 - index)))
    }
  }

  private mutating func value(insteadOf old: UInt64) -> UInt64 {
    switch random.next() % 8 {
    case 0: random.next()
    case 1, 2: old ^ 1 << UInt64(below(64))
    case 3: old &+ [1, 512, 65536, UInt64.max, UInt64.max - 511].randomElement(using: &random)!
    case 4: UInt64(below(bytes.count)) & ~511 | UInt64(below(4)) << 62
    case 5: UInt64(bytes.count) &- UInt64(below(2000))
    case 6: 1 << UInt64(below(64))
    default: Self.limits.randomElement(using: &random)!
    }
  }

  /// Numbers at the edges of what is allowed, or of what fits.
  private static let limits: [UInt64] = [
    0, 1, 2, 3, 8, 9, 14, 21, 22, 104, 512, 1023, 1024, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF,
    0x0040_0000, 0x0040_0001, 1 << 55, 1 << 61, 0x00FF_FFFF_FFFF_FE00, UInt64(Int64.max), 1 << 63,
    UInt64.max,
  ]

  private var l1: Int { Int(truncatingIfNeeded: number(at: 40, width: 8)) }

  /// The number at a place; 0 outside the image.
  private func number(at offset: Int, width: Int) -> UInt64 {
    guard offset >= 0, offset <= bytes.count - width else { return 0 }
    return bytes[offset..<offset + width].reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// A number from 0 to `limit` − 1; 0 if there is none.
  private mutating func below(_ limit: Int) -> Int {
    limit > 0 ? Int(random.next() % UInt64(limit)) : 0
  }
}
