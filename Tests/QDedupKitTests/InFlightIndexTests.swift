import DedupStore
import QDedupKit
import TestSupport
import Testing

/// The index of clusters in flight against a dictionary.
@Suite struct InFlightIndexTests {
  @Test("The index agrees with a dictionary", arguments: [1, 2, 7, 8, 64, 500], 1...4)
  func agreesWithModel(capacity: Int, seed: UInt64) {
    var generator = SplitMix64(seed: seed)
    var index = InFlightIndex(capacity: capacity)
    let places = UnsafeMutablePointer<ClusterPlace>.allocate(capacity: 4000)
    defer { places.deallocate() }
    // Few homes, at both ends of the table, so that runs are long and wrap around.
    let digests = (0..<capacity * 2).map { number in
      let homes: [UInt64] = [0, 1, UInt64.max, UInt64.max - 1, generator.next()]
      return Digest(high: UInt64(number), low: homes[number % (seed % 2 == 0 ? 4 : 5)])
    }
    var model: [Digest: Int] = [:]
    for round in 0..<4000 {
      let digest = digests.randomElement(using: &generator)!
      if generator.next() % 2 == 0, model.count < capacity || model[digest] != nil {
        let bytes = UnsafeRawPointer(places + round)
        index.insert(.init(digest: digest, place: places + round, bytes: bytes))
        model[digest] = round
      } else {
        let known = model[digest]
        let wanted = generator.next() % 4 == 0 ? 3999 : known ?? 3999
        let isRemoved = index.remove(digest, place: places + wanted)
        if isRemoved != (known == wanted) { Issue.record("removal in round \(round)") }
        if known == wanted { model[digest] = nil }
      }
      index.checkInvariants()
      if index.count != model.count { Issue.record("count after round \(round)") }
      if round % 16 == 0 {
        for digest in digests where index.find(digest)?.place != model[digest].map({ places + $0 })
        {
          Issue.record("\(digest) after round \(round)")
        }
      }
    }
  }

  @Test(
    "A full index takes no further digest, but replaces one that it has", .timeLimit(.minutes(1)))
  func full() async {
    var index = InFlightIndex(capacity: 2)
    let places = UnsafeMutablePointer<ClusterPlace>.allocate(capacity: 1)
    defer { places.deallocate() }
    for high in [1, 2, 1, 2] as [UInt64] {
      index.insert(.init(digest: Digest(high: high, low: 0), place: places, bytes: nil))
    }
    index.checkInvariants()
    #expect(index.count == 2)
    await #expect(processExitsWith: .failure) {
      var index = InFlightIndex(capacity: 2)
      let place = UnsafeMutablePointer<ClusterPlace>.allocate(capacity: 1)
      for high in 1...3 as ClosedRange<UInt64> {
        index.insert(.init(digest: Digest(high: high, low: 0), place: place, bytes: nil))
      }
    }
  }

  @Test("A found entry has what was put in")
  func entry() {
    var index = InFlightIndex(capacity: 3)
    let places = UnsafeMutablePointer<ClusterPlace>.allocate(capacity: 1)
    defer { places.deallocate() }
    let digest = Digest(high: 1, low: 2)
    #expect(index.find(digest) == nil)
    index.insert(.init(digest: digest, place: places, bytes: UnsafeRawPointer(places)))
    let found = index.find(digest)
    #expect(found?.digest == digest)
    #expect(found?.bytes == UnsafeRawPointer(places))
    #expect(index.find(Digest(high: 2, low: 2)) == nil)
  }
}
