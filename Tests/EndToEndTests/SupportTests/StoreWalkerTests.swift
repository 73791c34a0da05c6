import SystemPackage
import TestSupport
import Testing

/// The tests' own reader of the hash store sees every bit that is wrong.
@Suite struct StoreWalkerTests {
  let workspace: Workspace

  init() throws {
    workspace = try Workspace()
    try RawImage.write(RawImage.noise(count: 40 * 4096, seed: 131), to: workspace.input)
    try workspace.convert(["--log-store-order", "4"])
  }

  @Test(
    "A flipped bit is seen",
    arguments: [
      StoreArea.headerExtension, .filter, .trailer, .table, .data,
    ])
  func flippedBitIsSeen(area: StoreArea) throws {
    let (walker, store) = try walked()
    #expect(store?.problems == [])
    let places = try #require(store.map { area.ranges(in: $0, of: walker, dataBytes: 4096) })
    var random = SplitMix64(seed: 132)
    for _ in 0..<20 {
      let place = places[Int(random.next() % UInt64(places.count))]
      let offset = place.lowerBound + random.next() % UInt64(place.count)
      let bit = UInt8(1) << UInt8(random.next() % 8)
      try flip(bit, at: offset)
      #expect(seesProblem(), "bit \(bit) of byte \(offset)")
      try flip(bit, at: offset)
    }
    #expect(seesProblem() == false)
  }

  private func walked() throws -> (QCOW2Walker, WalkedStore?) {
    var walker = try QCOW2Walker(workspace.output)
    try walker.walk()
    return (walker, try WalkedStore.of(walker))
  }

  private func seesProblem() -> Bool {
    guard let (walker, store) = try? walked(), let store else { return true }
    return !walker.problems.isEmpty || !store.problems.isEmpty
  }

  private func flip(_ bit: UInt8, at offset: UInt64) throws {
    let file = try FileDescriptor.open(workspace.output, .readWrite)
    try file.closeAfter {
      var byte: UInt8 = 0
      _ = try withUnsafeMutableBytes(of: &byte) {
        try file.read(fromAbsoluteOffset: Int64(offset), into: $0)
      }
      byte ^= bit
      _ = try withUnsafeBytes(of: byte) {
        try file.writeAll(toAbsoluteOffset: Int64(offset), $0)
      }
    }
  }
}
