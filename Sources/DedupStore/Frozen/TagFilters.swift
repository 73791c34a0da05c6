internal import CQDedupShims

/// The tag filters of all incarnations in RAM, transposed: what lets a miss read nothing from disk.
///
/// A filter says of each slot of an incarnation which tag its entry has: a few bits of the half of the
/// digest that does not name the slot's bucket. A lookup has to look at two buckets of every
/// incarnation. With one filter after another that is a cache miss for each; here the tags of one
/// bucket in eight incarnations are a line of 64 bytes, and the lines of several such groups are side
/// by side. So a group is compared with a few vector instructions (`TagLine`), and 128 incarnations
/// are 2 · 16 cache lines: some 110 ns instead of 1117 (order 14).
///
/// Each incarnation has a lane: one of the eight places in the lines of a group. `LaneRing` says which
/// lanes are in use and how old their incarnations are; `TagPanels` has the memory, which grows by a
/// group and never shrinks but in `removeAll`. Outside, an incarnation is its rank, 0 for the oldest.
///
/// A match is a hint: two entries may have one tag, and what a lane holds of an incarnation that was
/// forgotten is stale until the next one takes the lane, but the ring then leaves it out. A slot that
/// is not used has no tag. In a store that was opened, tags are made of the bits that are saved
/// (`tagMask`), and lanes below `firstLane` are not filled yet: they are not searched (S27).
///
/// Threads: the one that uses the store; while a store is being opened, the loader writes the tags of
/// lanes that are not searched yet. Cost: 64 bytes times 2^order for eight incarnations; a search is
/// O(groups), without any allocation.
final class TagFilters {
  private let geometry: StoreGeometry
  private let tagMask: UInt64
  private let panels: TagPanels
  private var ring = LaneRing()

  /// Filters without a lane.
  ///
  /// - Parameters:
  ///   - geometry: The sizes of the store.
  ///   - tagMask: The bits of a half of a digest that tags are made of: no more than are saved if
  ///     filters come from the storage.
  init(geometry: StoreGeometry, tagMask: UInt64) {
    self.geometry = geometry
    self.tagMask = tagMask
    panels = TagPanels(geometry)
  }

  /// The bytes of memory that all filters take.
  var ramBytes: Int { panels.ramBytes }

  // MARK: Search

  /// A bucket of an incarnation in which some tags match.
  struct Candidate {
    /// The age rank of the incarnation: 0 for the oldest.
    let rank: Int
    let bucket: Int
    /// The slots whose tags match: bit 0 for slot 0.
    let slots: UInt8
  }

  /// Tries all buckets in which a digest may be, from the youngest incarnation to the oldest (S22).
  ///
  /// Per incarnation it is bucket h1 with tag h2, then bucket h2 with tag h1 (S23). When both are the
  /// same bucket there is no second try, which would read it again for nothing (S24).
  ///
  /// - Parameters:
  ///   - digest: The digest.
  ///   - firstLane: The first lane whose tags are loaded; 0 but while a store is being opened.
  ///   - confirm: Looks into a bucket; not nil ends the search.
  /// - Returns: What `confirm` returned at the end, or nil if nothing was confirmed.
  /// - Throws: What `confirm` throws.
  @inline(__always)
  func search<Found>(
    _ digest: Digest, fromLane firstLane: Int,
    confirm: (Candidate) throws(StoreError) -> Found?
  ) throws(StoreError) -> Found? {
    let (ring, wanted) = (ring, wanted(digest))
    if let found = try search(ring.wrapped, wanted, ring, confirm) { return found }
    let loaded = max(ring.straight.lowerBound, firstLane)..<ring.straight.upperBound
    return try search(loaded, wanted, ring, confirm)
  }

  /// Asks the processor to load what a search for this digest compares.
  func prefetch(_ digest: Digest) {
    let (h1, h2) = geometry.buckets(of: digest)
    for group in 0..<panels.groupCount {
      qdedup_prefetch(panels[group].line(of: h1))
      qdedup_prefetch(panels[group].line(of: h2))
    }
  }

  /// What a digest is recognised by: two buckets, and the tag that its entry has in each.
  private struct Wanted {
    let h1, h2: Int
    let inH1, inH2: UInt16
  }

  @inline(__always)
  private func wanted(_ digest: Digest) -> Wanted {
    let (h1, h2) = geometry.buckets(of: digest)
    return Wanted(h1: h1, h2: h2, inH1: tag(digest.low), inH2: tag(digest.high))
  }

  /// The tag of an entry that is in the bucket of one half of its digest, from the other half.
  @inline(__always)
  private func tag(_ otherHalf: UInt64) -> UInt16 { TagLine.tag(otherHalf & tagMask) }

  /// Searches a run of lanes downwards, group by group, which is from young to old.
  @inline(__always)
  private func search<Found>(
    _ lanes: Range<Int>, _ wanted: Wanted, _ ring: LaneRing,
    _ confirm: (Candidate) throws(StoreError) -> Found?
  ) throws(StoreError) -> Found? {
    if lanes.isEmpty { return nil }
    var group = (lanes.upperBound - 1) / TagLine.lanes
    let last = lanes.lowerBound / TagLine.lanes
    while group >= last {
      if mayHold(wanted, in: panels[group]) {
        let first = group * TagLine.lanes
        let inside = lanes.clamped(to: first..<first + TagLine.lanes)
        if let found = try tryLanes(inside, of: panels[group], wanted, ring, confirm) {
          return found
        }
      }
      group -= 1
    }
    return nil
  }

  /// Whether one of the wanted tags is in any lane of a group.
  @inline(__always)
  private func mayHold(_ wanted: Wanted, in place: GroupPlace) -> Bool {
    let first = TagLine.matches(wanted.inH1, in: place.line(of: wanted.h1))
    let second = TagLine.matches(wanted.inH2, in: place.line(of: wanted.h2))
    return first | second != 0
  }

  /// Tries the lanes of a group in which a tag has matched, from the youngest to the oldest.
  @inline(never)
  private func tryLanes<Found>(
    _ lanes: Range<Int>, of place: GroupPlace, _ wanted: Wanted, _ ring: LaneRing,
    _ confirm: (Candidate) throws(StoreError) -> Found?
  ) throws(StoreError) -> Found? {
    for lane in lanes.reversed() {
      let rank = ring.rank(ofLane: lane)
      let first = matches(wanted.inH1, in: wanted.h1, of: place, lane: lane)
      if first != 0 {
        let candidate = Candidate(rank: rank, bucket: wanted.h1, slots: first)
        if let found = try confirm(candidate) { return found }
      }
      if wanted.h1 == wanted.h2 { continue }
      let second = matches(wanted.inH2, in: wanted.h2, of: place, lane: lane)
      if second != 0 {
        let candidate = Candidate(rank: rank, bucket: wanted.h2, slots: second)
        if let found = try confirm(candidate) { return found }
      }
    }
    return nil
  }

  /// The slots of a bucket that have this tag in a lane.
  @inline(__always)
  private func matches(_ tag: UInt16, in bucket: Int, of place: GroupPlace, lane: Int) -> UInt8 {
    var slots: UInt8 = 0
    for slot in 0..<StoreGeometry.slotsPerBucket
    where place.tag(ofSlot: slot, of: bucket, lane: lane % TagLine.lanes) == tag {
      slots |= 1 << UInt8(slot)
    }
    return slots
  }

  // MARK: Lanes

  /// Makes sure that one more incarnation finds a lane.
  ///
  /// - Parameter otherBytes: What the rest of the store takes.
  /// - Throws: `StoreError.memory` if more is needed and there is not enough.
  func reserveLane(besides otherBytes: Int) throws(StoreError) {
    guard ring.made == panels.groupCount * TagLine.lanes else { return }
    try panels.addGroup(besides: otherBytes)
  }

  /// Adds the filter of a new youngest incarnation; `reserveLane` or `dropOldest` came before.
  ///
  /// - Parameter slots: All slots of the table that was frozen, each used one in its right bucket.
  func addYoungest(_ slots: UnsafeBufferPointer<StoreEntry>) {
    let lane = ring.takeLane()
    let place = panels[lane / TagLine.lanes]
    for bucket in 0..<geometry.bucketCount {
      for slot in 0..<StoreGeometry.slotsPerBucket {
        let entry = slots[bucket * StoreGeometry.slotsPerBucket + slot]
        let isInH1 = geometry.buckets(of: entry.digest).h1 == bucket
        let tag = tag(isInH1 ? entry.digest.low : entry.digest.high)
        place.setTag(
          entry.isEmpty ? TagLine.unused : tag, ofSlot: slot, of: bucket,
          lane: lane % TagLine.lanes)
      }
    }
  }

  /// Takes lanes for incarnations whose tags come later.
  ///
  /// - Returns: Where the groups of all lanes are.
  /// - Throws: `StoreError.memory` if there is not enough.
  func addEmptyLanes(_ count: Int, besides otherBytes: Int) throws(StoreError) -> [GroupPlace] {
    for _ in 0..<count {
      try reserveLane(besides: otherBytes)
      _ = ring.takeLane()
    }
    return (0..<panels.groupCount).map { panels[$0] }
  }

  /// Leaves out the filter of the oldest incarnation (S19); its lane waits for the next one.
  func dropOldest() {
    ring.dropOldest()
  }

  /// Leaves out the filter of the youngest incarnation; its lane is the next one's.
  func dropYoungest() {
    ring.dropYoungest()
  }

  /// Leaves out all filters and gives their memory back (S6).
  func removeAll() {
    panels.removeAll()
    ring = LaneRing()
  }

  /// Checks that so many incarnations have lanes, in an order that is one of ages.
  ///
  /// - Throws: `BrokenInvariant`.
  func checkInvariants(incarnations: Int) throws(BrokenInvariant) {
    try ring.checkInvariants()
    if ring.count != incarnations {
      throw BrokenInvariant("\(incarnations) incarnations have \(ring.count) lanes")
    }
    if ring.made > panels.groupCount * TagLine.lanes {
      throw BrokenInvariant("\(ring.made) lanes in \(panels.groupCount) groups")
    }
  }
}
