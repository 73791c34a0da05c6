import DiskIO
import DiskImage
import QCOW2
import SystemPackage
import TestSupport
import Testing

/// The check of an image's tables, on images that somebody made on purpose or by accident.
@Suite struct ImageCheckerTests {
  let scratch: TemporaryDirectory
  let sound: [UInt8]

  init() throws {
    scratch = try TemporaryDirectory()
    sound = try Self.base.get()
  }

  /// The bytes of a sound image.
  private static let base = Result { () throws -> [UInt8] in
    let scratch = try TemporaryDirectory()
    let image = try WrittenImage.mixture(scratch)
    return try TemporaryDirectory.content(of: image.path)
  }

  @Test("A sound image has no findings")
  func clean() throws {
    let check = try #require(try check(sound))
    #expect(check.findings.isEmpty)
    #expect(check.totalClusters == 200 && check.allocatedClusters == 134)
    #expect(check.end.bytes == UInt64(sound.count))
  }

  @Test("What was cut off is found, or the image is refused", arguments: 0..<40)
  func truncated(part: Int) throws {
    let check = try check(Array(sound[..<(part * sound.count / 40)]))
    if let check { #expect(!check.findings.isEmpty) }
  }

  @Test("Random bytes anywhere: findings or an error", arguments: 1...400)
  func mutated(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    var bytes = sound
    for _ in 0...random.next() % 8 {
      let place = Int(random.next() % (seed % 2 == 0 ? 112 : UInt64(bytes.count)))
      bytes[place] = UInt8(truncatingIfNeeded: random.next())
    }
    _ = try check(bytes)
  }

  @Test("Extreme numbers in the header: findings or an error")
  func extremes() throws {
    let values: [UInt64] = [
      .max, 1 << 63, 1 << 62, (1 << 56) - 512, 1 << 40, 0x7FFF_FFFF_FFFF_FE00,
    ]
    for offset in stride(from: 8, through: 96, by: 4) {
      for value in values {
        var bytes = sound
        bytes.withUnsafeMutableBytes { $0.storeBigEndian(value, at: offset) }
        _ = try check(bytes)
        bytes.withUnsafeMutableBytes {
          $0.storeBigEndian(UInt32(truncatingIfNeeded: value >> 16), at: offset)
        }
        _ = try check(bytes)
      }
    }
  }

  @Test("A table that all four million L1 entries name is read once and counts for all")
  func amplified() throws {
    var bytes = sound
    let entries: UInt32 = 4 << 20
    let l1 = UInt64(bytes.count + 511) & ~511
    let first = bytes.withUnsafeBytes { bytes in
      bytes.loadBigEndian(UInt64.self, at: Int(bytes.loadBigEndian(UInt64.self, at: 40)))
    }
    bytes.withUnsafeMutableBytes {
      $0.storeBigEndian(entries, at: 36)
      $0.storeBigEndian(l1, at: 40)
    }
    bytes.append(contentsOf: repeatElement(0, count: Int(l1) - bytes.count))
    let table = [UInt8](unsafeUninitializedCapacity: Int(entries) * 8) { buffer, count in
      let raw = UnsafeMutableRawBufferPointer(buffer)
      for entry in 0..<Int(entries) { raw.storeBigEndian(first, at: entry * 8) }
      count = raw.count
    }
    let check = try #require(try check(bytes + table))
    // Of its 64 entries, 43 name a cluster.
    #expect(check.allocatedClusters == UInt64(entries) * 43)
    #expect(check.findings[.corruption] > UInt64(entries) * 43)
    #expect(check.findings.listed.count <= 200)
  }

  /// What a check of a file finds; nil if it cannot be checked.
  private func check(_ bytes: [UInt8]) throws -> ImageCheck? {
    let path = try scratch.make("damaged.qcow2", bytes)
    do throws(ImageError) {
      let file = try ImageFile(try OwnedFile(readingImage: path))
      let checker = try ImageChecker(try ImageMetadata(file), file)
      try checker.run()
      return checker.result
    } catch {
      return nil
    }
  }
}
