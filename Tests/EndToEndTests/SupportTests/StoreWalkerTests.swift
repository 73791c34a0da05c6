import SystemPackage
import TestSupport
import Testing

/// The tests' own reader of the hash store sees every bit that is wrong.
@Suite struct StoreWalkerTests {
  /// The parts of a file whose bits the hash store vouches for.
  enum Area: CaseIterable {
    case headerExtension, filter, trailer, table, sharedData
  }

  let workspace: Workspace

  init() throws {
    workspace = try Workspace()
    try RawImage.write(RawImage.noise(count: 40 * 4096, seed: 131), to: workspace.input)
    try workspace.convert(["--log-store-order", "4"])
  }

  @Test(arguments: Area.allCases)
  func `a flipped bit is seen`(area: Area) throws {
    let (walker, store) = try walked()
    #expect(store?.problems == [])
    let places = try #require(store.map { ranges(of: area, in: $0, of: walker) })
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

  /// Where the bytes of an area stand in the file.
  private func ranges(
    of area: Area, in store: WalkedStore, of walker: QCOW2Walker
  ) -> [Range<UInt64>] {
    // Order 4: 64 entries, tags of 2 bytes, one store cluster for the filter and one for the table.
    let offsets = store.incarnationOffsets
    switch area {
    case .headerExtension:
      let found = walker.extensions.filter { $0.type == WalkedExtension.hashStore }
      return found.map { UInt64($0.offset)..<UInt64($0.offset + $0.data.count) }
    case .filter: return offsets.map { $0..<($0 + 128) }
    case .trailer: return offsets.map { ($0 + 4032)..<($0 + 4096) }
    case .table: return offsets.map { ($0 + 4096)..<($0 + 4096 + 64 * 32) }
    case .sharedData: return walker.mappings.map { $0.host..<($0.host + 4096) }
    }
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
