import DedupStore
import DiskImage
import TestSupport
import Testing

@testable import QDedupKit

/// What a scan finds in one block.
@Suite struct BlockContentsTests {
  private static let pieceBytes = 1 << ImageScan.pieceBits

  /// A block of which two thirds of the pieces are zeros, and others occur several times.
  private func block(seed: UInt64, pieces: Int) -> [UInt8] {
    var generator = SplitMix64(seed: seed)
    return (0..<pieces).flatMap { _ in
      Array(repeating: UInt8(max(0, Int(generator.next() % 12) - 8)), count: Self.pieceBytes)
    }
  }

  /// A block some of whose pieces are noise.
  private func mixed(seed: UInt64) -> [UInt8] {
    var (bytes, noise) = (block(seed: seed, pieces: 64), RawImage.noise(count: 8192, seed: seed))
    if seed % 3 == 0 { noise = [] }
    bytes.replaceSubrange(20 * Self.pieceBytes..<20 * Self.pieceBytes + noise.count, with: noise)
    return bytes
  }

  private func contents(
    of bytes: [UInt8], at start: UInt64 = 0, pieceBits: Int = 14, blockBits: Int = 17
  ) -> BlockContents {
    var contents = BlockContents()
    let strata = BlockContents.Strata(
      pieces: .init(varied: pieceBits, uniform: max(14, pieceBits - 1)),
      blocks: .init(varied: blockBits, uniform: max(17, blockBits - 1)))
    // A block that was looked at before leaves nothing behind.
    for bytes in [block(seed: 99, pieces: 64), bytes] {
      bytes.withUnsafeBytes {
        contents.look(at: $0, from: GuestOffset(start), strata)
      }
    }
    return contents
  }

  @Test(
    "Equal clusters have equal keys at every size, and those of zeros none", arguments: [64, 37])
  func equalClustersHaveEqualKeysAtEverySize(pieces: Int) {
    for seed in 1...20 as ClosedRange<UInt64> {
      let bytes = block(seed: seed, pieces: pieces)
      let found = contents(of: bytes)
      let padded = bytes + Array(repeating: 0, count: ImageScan.blockBytes - bytes.count)
      for size in ImageScan.sizes {
        let length = Self.pieceBytes << size
        let clusters = stride(from: 0, to: padded.count, by: length)
          .map { start in
            stride(from: start, to: start + length, by: Self.pieceBytes).map { padded[$0] }
          }
          .filter { $0.contains { $0 != 0 } }
        let keys = found.clusters(size)
        #expect(keys.count == clusters.count)
        #expect(keys.map { Int($0.pieces) } == clusters.map { $0.count { $0 != 0 } })
        // One content for each key, and one key for each content.
        let pairs = Set(zip(keys, clusters).map { [$0.key.description, $1.description] })
        #expect(pairs.count == Set(clusters).count)
        #expect(pairs.count == Set(keys.map(\.key)).count)
      }
    }
  }

  @Test("A sample is the same, whatever strata it had when blocks were looked at")
  func sampleSameWhateverStrataItHadWhenBlocksWereLookedAt() {
    let samples = [(14, 17), (15, 17), (16, 18), (18, 18)].map { pieceBits, blockBits in
      var (pieces, blocks) = (DataSample(bits: 18, limit: 16), DataSample(bits: 18, limit: 16))
      for number in 0..<40 as Range<UInt64> {
        let found = contents(
          of: mixed(seed: number), at: number * UInt64(ImageScan.blockBytes),
          pieceBits: pieceBits, blockBits: blockBits)
        for unit in found.pieces { pieces.add(unit) }
        for unit in found.blocks { blocks.add(unit) }
      }
      return (pieces.units + blocks.units).map { [$0.key, $0.offset, $0.weight] }
    }
    #expect(samples[0].count > 16)
    for sample in samples { #expect(sample == samples[0]) }
  }

  @Test("Pieces of one byte throughout are told from others, and areas that have nothing else")
  func uniformPieces() {
    var bytes = [UInt8](repeating: 0xFF, count: ImageScan.blockBytes)
    bytes[5 * Self.pieceBytes + 4095] = 0
    for index in 40..<50 {
      bytes.replaceSubrange(
        index * Self.pieceBytes..<(index + 1) * Self.pieceBytes,
        with: repeatElement(0, count: Self.pieceBytes))
    }
    let found = contents(of: bytes, pieceBits: 12)
    let varied = found.pieces.filter { !$0.isUniform }
    #expect(varied.map(\.offset) == [5 * UInt64(Self.pieceBytes)])
    #expect(found.pieces.reduce(0) { $0 + $1.weight } == 54)
    #expect(found.blocks.map(\.isUniform) == [false, true])
  }
}
