internal import CQDedupShims

/// The tag filters of all incarnations in RAM, transposed: what lets a miss read nothing from disk.
///
/// A filter says of each slot of an incarnation which tag its entry has: a few bits of the half of the
/// digest that does not name the slot's bucket. A lookup has to look at two buckets of every
/// incarnation. With one filter after another that is a cache miss for each; here the tags of one
/// bucket in eight incarnations are a line of 64 bytes, and the lines of several such groups are side
/// by side. So a group is compared with a few vector instructions (`TagLine`), and 128 incarnations
/// are 2 · 16 cache lines instead of 2 · 128.
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

  /// A search of all buckets in which a digest may be, from the youngest incarnation to the oldest
  /// (S22): how far it has come. `next(of:)` goes on.
  ///
  /// It is a value, and no closure looks into the buckets, because a closure would be handed its
  /// objects with counted references: each count is an atomic operation, and a processor loads
  /// nothing for the next lookup before it is done.
  struct Search {
    fileprivate let wanted: Wanted
    fileprivate let ring: LaneRing
    /// The lanes left of a run of younger incarnations or, after it, of older ones; taken from above.
    fileprivate var lanes: Range<Int>
    /// The run of older incarnations; empty once it has begun.
    fileprivate var older: Range<Int>
    /// Whether bucket h1 of the lane that is next was tried.
    fileprivate var hasTriedH1 = false
  }

  /// Begins a search.
  ///
  /// - Parameters:
  ///   - digest: The digest.
  ///   - firstLane: The first lane whose tags are loaded; 0 but while a store is being opened.
  /// - Returns: The search, before its first candidate.
  @inline(__always)
  func search(_ digest: Digest, fromLane firstLane: Int) -> Search {
    let loaded = max(ring.straight.lowerBound, firstLane)..<ring.straight.upperBound
    return Search(wanted: wanted(digest), ring: ring, lanes: ring.wrapped, older: loaded)
  }

  /// Goes on with a search, up to the next bucket with a tag that matches.
  ///
  /// Per incarnation it is bucket h1 with tag h2, then bucket h2 with tag h1 (S23). When both are the
  /// same bucket there is no second try, which would read it again for nothing (S24).
  ///
  /// - Parameter search: A search of these filters.
  /// - Returns: The bucket; nil at the end.
  @inline(__always)
  func next(of search: inout Search) -> Candidate? {
    let (places, wanted) = (panels.all, search.wanted)
    while true {
      let last = search.lanes.lowerBound / TagLine.lanes
      var group = search.lanes.isEmpty ? last - 1 : (search.lanes.upperBound - 1) / TagLine.lanes
      while group >= last {
        if mayHold(wanted, in: places[group]) {
          if let candidate = next(in: group, of: &search) { return candidate }
        }
        group -= 1
      }
      if search.older.isEmpty { return nil }
      (search.lanes, search.older) = (search.older, 0..<0)
    }
  }

  /// Asks the processor to load what a search for this digest compares.
  func prefetch(_ digest: Digest) {
    let (places, (h1, h2)) = (panels.all, geometry.buckets(of: digest))
    for group in 0..<panels.groupCount {
      qdedup_prefetch(places[group].line(of: h1))
      qdedup_prefetch(places[group].line(of: h2))
    }
  }

  /// What a digest is recognised by: two buckets, and the tag that its entry has in each.
  fileprivate struct Wanted {
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

  /// Whether one of the wanted tags is in any lane of a group.
  @inline(__always)
  private func mayHold(_ wanted: Wanted, in place: GroupPlace) -> Bool {
    let first = TagLine.matches(wanted.inH1, in: place.line(of: wanted.h1))
    let second = TagLine.matches(wanted.inH2, in: place.line(of: wanted.h2))
    return first | second != 0
  }

  /// Goes on with a search in a group in which a tag has matched, from the youngest lane to the oldest.
  @inline(never)
  private func next(in group: Int, of search: inout Search) -> Candidate? {
    let (place, wanted) = (panels.all[group], search.wanted)
    let first = group * TagLine.lanes
    // What is above was searched: no tag matches there.
    var end = min(search.lanes.upperBound, first + TagLine.lanes)
    let begin = max(search.lanes.lowerBound, first)
    while end > begin {
      let lane = end - 1
      let isH1 = !search.hasTriedH1
      search.hasTriedH1 = isH1
      if !isH1 { end -= 1 }
      search.lanes = search.lanes.lowerBound..<end
      if !isH1 && wanted.h1 == wanted.h2 { continue }
      let (bucket, tag) = isH1 ? (wanted.h1, wanted.inH1) : (wanted.h2, wanted.inH2)
      let slots = matches(tag, in: bucket, of: place, lane: lane)
      if slots != 0 {
        return Candidate(rank: search.ring.rank(ofLane: lane), bucket: bucket, slots: slots)
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
    let place = panels.all[lane / TagLine.lanes]
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
    return (0..<panels.groupCount).map { panels.all[$0] }
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
