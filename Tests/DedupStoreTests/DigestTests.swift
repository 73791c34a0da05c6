import DedupStore
import Testing

@Suite struct DigestTests {
  struct Vector: Sendable {
    let content: [UInt8]
    let digest: String
    let h1: Int
    let h2: Int
  }

  static let vectors = [
    Vector(
      content: .init(repeating: 65, count: 4096),
      digest: "3360baa89cda0ecaa03de37a157c16bd", h1: 3786, h2: 5821),
    Vector(
      content: .init(repeating: 0, count: 4096),
      digest: "3ee8dc4f9e7ee49593d76fe148c689ba", h1: 9365, h2: 2490),
    Vector(
      content: (0..<4096).map { UInt8($0 % 256) },
      digest: "03916578969f7a66eb4b7c3707879151", h1: 14950, h2: 4433),
    Vector(
      content: .init(repeating: 65, count: 65536),
      digest: "bcf50c5f451bf0f2d30078e92bd90255", h1: 12530, h2: 597),
  ]

  @Test("The digest vectors of the format", arguments: vectors)
  func vectorDigest(vector: Vector) throws {
    let digest = vector.content.withUnsafeBytes { Digest(of: $0) }
    #expect(digest.description == vector.digest)
    let buckets = try StoreGeometry(order: 14).buckets(of: digest)
    #expect(buckets == (vector.h1, vector.h2))
  }

  @Test("The description keeps leading zeros")
  func description() {
    #expect(Digest(high: 1, low: 0xAB).description == "000000000000000100000000000000ab")
  }

  @Test("The digest of no bytes is defined")
  func empty() {
    let digest = Digest(of: UnsafeRawBufferPointer(start: nil, count: 0))
    #expect(digest.description == "99aa06d3014798d86001c324468d497f")
  }

  @Test("An entry is 32 bytes in memory without padding")
  func entrySize() {
    #expect(MemoryLayout<StoreEntry>.size == 32)
    #expect(MemoryLayout<StoreEntry>.stride == 32)
  }

  @Test("XXH3-64 is the one of the xxHash specification")
  func checksum() {
    #expect([UInt8]().withUnsafeBytes { XXH3Stream.hash($0) } == 0x2D06_8005_38D3_94C2)
  }
}
