internal import CQDedupShims

/// The tag filters of all incarnations in RAM, transposed.
///
/// A miss has to look at two buckets of every incarnation. With one filter after another that is a
/// cache miss for each; here the tags of a bucket stand side by side, those of a group of lanes in a
/// line, and the lines of several groups one after the other:
///
/// ```
/// panel: | bucket 0: line of group 0, line of group 1, … | bucket 1: line of group 0, …
/// ```
final class TagFilters {
  let geometry: StoreGeometry
  private let tagMask: UInt64
  /// The memory, each panel with the first of the groups that share it.
  var panels: [(memory: FilterPanel, firstGroup: Int)] = []
  /// Where each group is; apart from `panels`, so that a lookup counts no references.
  var places = UnsafeMutablePointer<GroupPlace>.allocate(capacity: 1)
  var placesCapacity = 1
  /// How many groups there are.
  var groupCount = 0
  /// Which lanes are in use.
  private(set) var ring = LaneRing()

  /// Where the lines of a group are.
  struct GroupPlace {
    /// The line of bucket 0.
    let base: UnsafeMutableRawPointer
    /// The bytes from one bucket's line to the next one's.
    let stride: Int

    /// The line of a bucket.
    @inline(__always)
    func line(of bucket: Int) -> UnsafeMutableRawPointer { base + bucket * stride }

    /// The tag of slot 0 of a bucket in a lane; that of the next slot is `TagLine.lanes` further.
    @inline(__always)
    func tags(of bucket: Int, lane: Int) -> UnsafeMutablePointer<UInt16> {
      line(of: bucket).assumingMemoryBound(to: UInt16.self) + lane % TagLine.lanes
    }
  }

  /// Filters without a lane.
  ///
  /// - Parameters:
  ///   - geometry: The sizes of the store.
  ///   - tagMask: The bits of a half of a digest that tags are made of: no more than are saved if
  ///     filters come from the storage.
  init(geometry: StoreGeometry, tagMask: UInt64) {
    self.geometry = geometry
    self.tagMask = tagMask
  }

  deinit { places.deallocate() }

  /// The bytes of all panels.
  var ramBytes: Int { groupCount * Self.groupBytes(geometry) }

  /// The bytes by which the filters grow.
  static func groupBytes(_ geometry: StoreGeometry) -> Int {
    geometry.bucketCount * TagLine.byteCount
  }

  /// The tag of an entry that stands in the bucket of one half of its digest, from the other half.
  @inline(__always)
  func tag(_ otherHalf: UInt64) -> UInt16 { TagLine.tag(otherHalf & tagMask) }

  /// What a digest is recognised by: two buckets, and the tag that its entry has in each.
  struct Tags {
    let h1, h2: Int
    let inH1, inH2: UInt16
  }

  /// The tags of a digest, the same for all groups.
  @inline(__always)
  func tags(of digest: Digest) -> Tags {
    let (h1, h2) = geometry.buckets(of: digest)
    return Tags(h1: h1, h2: h2, inH1: tag(digest.low), inH2: tag(digest.high))
  }

  /// Whether a digest has one of its tags in any lane of a group.
  @inline(__always)
  func group(_ group: Int, mayHold wanted: Tags) -> Bool {
    let place = places[group]
    let first = TagLine.matches(wanted.inH1, in: place.line(of: wanted.h1))
    let second = TagLine.matches(wanted.inH2, in: place.line(of: wanted.h2))
    return first | second != 0
  }

  /// Brings near what a lookup in these two buckets compares.
  func prefetch(_ h1: Int, _ h2: Int) {
    for group in 0..<groupCount {
      qdedup_prefetch(places[group].line(of: h1))
      qdedup_prefetch(places[group].line(of: h2))
    }
  }

  /// Whether `slot` of `bucket` has this tag in `lane`.
  @inline(__always)
  func lane(_ lane: Int, has tag: UInt16, inSlot slot: Int, of bucket: Int) -> Bool {
    places[lane / TagLine.lanes].tags(of: bucket, lane: lane)[slot * TagLine.lanes] == tag
  }

  /// Adds the filter of a new youngest incarnation; `reserveLane` or `dropOldest` came before.
  ///
  /// - Parameter slots: All slots of the table that was frozen, each used one in its right bucket.
  func addYoungest(_ slots: UnsafePointer<StoreEntry>) {
    let lane = ring.takeLane()
    let place = places[lane / TagLine.lanes]
    for bucket in 0..<geometry.bucketCount {
      let tags = place.tags(of: bucket, lane: lane)
      for slot in 0..<StoreGeometry.slotsPerBucket {
        let entry = slots[bucket * StoreGeometry.slotsPerBucket + slot]
        let isInH1 = geometry.buckets(of: entry.digest).h1 == bucket
        let tag = tag(isInH1 ? entry.digest.low : entry.digest.high)
        tags[slot * TagLine.lanes] = entry.isEmpty ? TagLine.unused : tag
      }
    }
  }

  /// Takes the lane of a new youngest incarnation whose tags come later.
  func addEmptyLane(besides otherBytes: Int) throws(StoreError) {
    try reserveLane(besides: otherBytes)
    _ = ring.takeLane()
  }

  /// Leaves out the filter of the oldest incarnation (S19); its lane waits for the next one.
  func dropOldest() {
    ring.dropOldest()
  }

  /// Leaves out all filters and gives their memory back (S6).
  func removeAll() {
    panels.removeAll()
    groupCount = 0
    ring = LaneRing()
  }
}
