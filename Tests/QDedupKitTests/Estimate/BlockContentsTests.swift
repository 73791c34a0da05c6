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

  private func contents(
    of bytes: [UInt8], at start: UInt64 = 0, pieceBits: Int = 14, blockBits: Int = 17
  ) -> BlockContents {
    var contents = BlockContents()
    // A block that was looked at before leaves nothing behind.
    for bytes in [block(seed: 99, pieces: 64), bytes] {
      bytes.withUnsafeBytes {
        contents.look(
          at: $0, from: GuestOffset(start), .init(pieceBits: pieceBits, blockBits: blockBits))
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
      var (pieces, blocks) = (
        StratifiedSample(bits: 18, limit: 16), StratifiedSample(bits: 18, limit: 16)
      )
      for number in 0..<40 as Range<UInt64> {
        let found = contents(
          of: block(seed: number, pieces: 64), at: number * UInt64(ImageScan.blockBytes),
          pieceBits: pieceBits, blockBits: blockBits)
        for unit in found.pieces { pieces.add(unit) }
        for unit in found.blocks { blocks.add(unit) }
      }
      return (pieces.units + blocks.units).map { [$0.key, $0.offset, $0.weight] }
    }
    #expect(samples[0].count > 16)
    for sample in samples { #expect(sample == samples[0]) }
  }
}
