import DiskIO
import DiskImage
import Glibc
import QDedupKit
import SystemPackage
import TestSupport
import Testing

/// Comparing two disks.
@Suite struct ImageComparisonTests {
  let scratch: TemporaryDirectory
  private static let size = 5 << 20 + 512
  /// Data in two places, and holes around them.
  private static let extents = [(1 << 20, 70_000), (4 << 20 - 100, 300)]

  init() throws { scratch = try TemporaryDirectory() }

  @Test("Equal disks are equal, wherever their holes are", arguments: [1, 3])
  func equal(threads: Int) throws {
    let sparse = try disk("sparse")
    let dense = try scratch.make("dense", try TemporaryDirectory.content(of: sparse))
    try compare(sparse, sparse, threads: threads)
    try compare(sparse, dense, threads: threads)
    try compare(dense, sparse, threads: threads)
  }

  @Test(
    "A single byte that differs is found, in data and in holes",
    arguments: [
      0, 1, 511, 4096, (1 << 20) - 1, 1 << 20, (1 << 20) + 69_999, (1 << 20) + 70_000, 2 << 20,
      (3 << 20) + 12_345, (4 << 20) - 100, (4 << 20) + 199, (5 << 20) - 1, 5 << 20,
      (5 << 20) + 511,
    ], [1, 3])
  func flipped(offset: Int, threads: Int) throws {
    let left = try disk("left")
    let right = try disk("right", flipping: offset)
    for (one, two) in [(left, right), (right, left)] {
      let error = #expect(throws: ConversionError.self) { try compare(one, two, threads: threads) }
      let expected = ConversionError.verificationFailed(GuestOffset(UInt64(offset)))
      #expect(error?.description == expected.description)
    }
  }

  @Test("Disks of different sizes differ where the shorter one ends")
  func sizes() throws {
    let left = try disk("left")
    let right = try disk("right")
    #expect(truncate(right.string, 4 << 20 + 4096) == 0)
    let error = #expect(throws: ConversionError.self) { try compare(left, right, threads: 2) }
    let expected = ConversionError.verificationFailed(GuestOffset(4 << 20 + 4096))
    #expect(error?.description == expected.description)
  }

  @Test("A comparison stops when asked to")
  func cancelled() throws {
    let left = try disk("left")
    let progress = Progress()
    progress.cancel()
    let error = #expect(throws: ConversionError.self) {
      try compare(left, left, threads: 2, progress)
    }
    #expect(error?.isInterruption == true)
  }

  private func compare(
    _ left: FilePath, _ right: FilePath, threads: Int, _ progress: Progress = Progress()
  ) throws {
    let images = try [left, right].map { try RawImage(try OwnedFile(readingFrom: $0)) }
    try ImageComparison(images[0], images[1], progress: progress).run(threads: threads)
  }

  /// A sparse disk, with one byte changed.
  private func disk(_ name: String, flipping flipped: Int? = nil) throws -> FilePath {
    let file = try FileDescriptor.open(
      scratch.file(name), .readWrite, options: .create, permissions: .ownerReadWrite)
    defer { try? file.close() }
    for (offset, count) in Self.extents {
      var generator = SplitMix64(seed: UInt64(offset))
      let bytes = (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
      try file.writeAll(toAbsoluteOffset: Int64(offset), bytes)
    }
    try file.resize(to: Int64(Self.size))
    if let flipped {
      var byte: [UInt8] = [0]
      _ = try byte.withUnsafeMutableBytes {
        try file.read(fromAbsoluteOffset: Int64(flipped), into: $0)
      }
      try file.writeAll(toAbsoluteOffset: Int64(flipped), [byte[0] ^ 0x10])
    }
    return scratch.file(name)
  }
}
