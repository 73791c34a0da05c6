import DiskIO
import DiskImage
import QCOW2
import SystemPackage
import TestSupport
import Testing

/// Damaged images: an error or bytes, never a trap, and never a range outside the disk.
@Suite struct ImageDamageTests {
  let scratch: TemporaryDirectory
  let sound: [UInt8]
  let disk: [UInt8]

  init() throws {
    scratch = try TemporaryDirectory()
    (sound, disk) = try Self.base.get()
  }

  /// The bytes of a sound image, and the disk that it shows.
  private static let base = Result { () throws -> ([UInt8], [UInt8]) in
    let scratch = try TemporaryDirectory()
    let image = try WrittenImage.mixture(scratch)
    return (try TemporaryDirectory.content(of: image.path), image.disk)
  }

  @Test("A file that was cut off gives an error or its disk", arguments: 0..<120)
  func truncated(part: Int) throws {
    let count = part < 60 ? part * 10 : (part - 60) * sound.count / 60
    // What is cut may be refcounts, which reading does not need: then all bytes are right.
    if let bytes = try read(Array(sound[..<count])) { #expect(bytes == disk) }
  }

  @Test("Random bytes in header and tables give an error or a disk", arguments: 1...300)
  func mutated(seed: UInt64) throws {
    var generator = SplitMix64(seed: seed)
    var bytes = sound
    for _ in 0...generator.next() % 8 {
      let place = Int(generator.next() % (seed % 2 == 0 ? 112 : UInt64(bytes.count)))
      bytes[place] = UInt8(truncatingIfNeeded: generator.next())
    }
    if let read = try read(bytes) { #expect(read.count <= 4 * disk.count) }
  }

  @Test(
    "Hostile header fields are refused",
    arguments: [
      (20, 4, 0), (20, 4, 8), (20, 4, 22), (20, 4, 255), (20, 4, 0xFFFF_FFFF), (20, 4, 12),
      (24, 8, 1 << 63), (24, 8, UInt64.max), (24, 8, 1 << 62), (36, 4, 0),
      (36, 4, 0xFFFF_FFFF), (36, 4, 3), (40, 8, UInt64.max), (40, 8, 1 << 62),
      (40, 8, 1 << 40), (4, 4, 4), (32, 4, 1), (72, 8, 2), (72, 8, 4), (72, 8, 8), (72, 8, 16),
      (72, 8, 32), (72, 8, 1 << 63), (96, 4, 7), (100, 4, 103), (100, 4, 0xFFFF_FFFF),
    ] as [(Int, Int, UInt64)])
  func hostile(offset: Int, width: Int, value: UInt64) throws {
    var bytes = sound
    for index in 0..<width {
      bytes[offset + index] = UInt8(truncatingIfNeeded: value >> UInt64((width - 1 - index) * 8))
    }
    #expect(try read(bytes) == nil)
  }

  @Test(
    "Entries that lead outside the file are errors",
    arguments: [0x00FF_FFFF_FFFF_FE00, 1 << 55, 1 << 40, 0x80FF_FFFF_FFFF_FE00] as [UInt64],
    [true, false])
  func outside(entry: UInt64, isInL1: Bool) throws {
    var bytes = sound
    let l1 = Int(bytes.withUnsafeBytes { $0.loadBigEndian(UInt64.self, at: 40) })
    let l2 = Int(
      bytes.withUnsafeBytes { $0.loadBigEndian(UInt64.self, at: l1) } & 0x00FF_FFFF_FFFF_FE00)
    bytes.withUnsafeMutableBytes { $0.storeBigEndian(entry, at: isInL1 ? l1 : l2) }
    #expect(try read(bytes) == nil)
  }

  /// The disk that a file shows, read whole; nil if that is an `ImageError`.
  private func read(_ bytes: [UInt8]) throws -> [UInt8]? {
    let path = try scratch.make("damaged.qcow2", bytes)
    do {
      let image = try QCOW2Image.open(try OwnedFile(readingFrom: path))
      return try image.allBytes()
    } catch is ImageError {
      return nil
    }
  }
}
