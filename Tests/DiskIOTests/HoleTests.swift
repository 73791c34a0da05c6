import DiskIO
import SystemPackage
import Testing
import TestSupport

/// Where data and holes are.
@Suite struct HoleTests {
  let scratch: TemporaryDirectory
  init() throws { scratch = try TemporaryDirectory() }

  @Test("Data between two holes is found")
  func sparse() throws {
    let file = try OwnedFile.writable(scratch.file("data"))
    try file.write(randomBytes(1 << 16, seed: 1), at: 1 << 20)
    try file.truncate(to: 4 << 20)
    #expect(try file.nextData(from: 0) == 1 << 20)
    #expect(try file.nextHole(from: 0) == 0)
    #expect(try file.nextData(from: 1 << 20 + 5) == 1 << 20 + 5)
    #expect(try file.nextHole(from: 1 << 20) == 1 << 20 + 1 << 16)
    #expect(try file.nextData(from: 1 << 20 + 1 << 16) == nil)
    #expect(try file.nextHole(from: 1 << 20 + 1 << 16) == 1 << 20 + 1 << 16)
  }

  @Test("A file that is data to its end has its hole there")
  func dense() throws {
    let file = try OwnedFile(readingFrom: scratch.make("data", randomBytes(10_001, seed: 2)))
    #expect(try file.nextData(from: 0) == 0)
    #expect(try file.nextHole(from: 0) == 10_001)
    #expect(try file.nextData(from: 10_000) == 10_000)
  }

  @Test("After the end there is neither data nor hole", arguments: [0, 1, UInt64(Int64.max)])
  func behindEnd(distance: UInt64) throws {
    let file = try OwnedFile(readingFrom: scratch.make("data", []))
    #expect(try file.nextData(from: distance) == nil)
    #expect(try file.nextHole(from: distance) == nil)
  }
}
