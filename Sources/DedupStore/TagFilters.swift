internal import CQDedupShims

/// The tag filters of all incarnations in RAM, transposed.
///
/// A miss has to look at two buckets of every incarnation. With one filter after another that is a
/// cache miss for each; here the tags of a bucket stand side by side for all lanes of a panel:
///
/// ```
/// panel: | bucket 0: slot 0 of all lanes | slot 1 | slot 2 | slot 3 | bucket 1: slot 0 … |
/// ```
final class TagFilters<Tag: FilterTag> {
  private let geometry: StoreGeometry
  private var panels: [FilterPanel] = []
  /// Where each panel begins; apart from `panels`, so that a lookup counts no references.
  private var bases = UnsafeMutablePointer<UnsafeMutableRawPointer>.allocate(capacity: 1)
  private var basesCapacity = 1
  /// Which lanes are in use.
  private(set) var ring = LaneRing()

  init(geometry: StoreGeometry) {
    self.geometry = geometry
  }

  deinit { bases.deallocate() }

  /// The bytes of all panels.
  var ramBytes: Int { panels.count * geometry.bucketCount * Tag.lineBytes }

  /// Whether a tag is in either of its two buckets in any lane of a panel.
  @inline(__always)
  func panel(_ panel: Int, mayHold h1: Int, _ h2: Int) -> Bool {
    let base = UnsafeRawPointer(bases[panel])
    let first = Tag.matches(Tag(truncatingIfNeeded: h2), in: base + h1 * Tag.lineBytes)
    let second = Tag.matches(Tag(truncatingIfNeeded: h1), in: base + h2 * Tag.lineBytes)
    return first | second != 0
  }

  /// Brings near what a lookup in these two buckets compares.
  func prefetch(_ h1: Int, _ h2: Int) {
    let (bases, first, second) = (bases, h1 * Tag.lineBytes, h2 * Tag.lineBytes)
    for panel in 0..<panels.count {
      for part in 0..<Tag.lineBytes / cacheLineBytes {
        qdedup_prefetch(bases[panel] + first + part * cacheLineBytes)
        qdedup_prefetch(bases[panel] + second + part * cacheLineBytes)
      }
    }
  }

  /// Whether `slot` of `bucket` has this tag in `lane`.
  @inline(__always)
  func lane(_ lane: Int, has tag: Int, inSlot slot: Int, of bucket: Int) -> Bool {
    line(of: bucket, lane: lane)[slot * Tag.lanes + lane % Tag.lanes]
      == Tag(truncatingIfNeeded: tag)
  }

  private func line(of bucket: Int, lane: Int) -> UnsafeMutablePointer<Tag> {
    (bases[lane / Tag.lanes] + bucket * Tag.lineBytes).assumingMemoryBound(to: Tag.self)
  }

  /// Makes sure that one more incarnation finds a lane.
  ///
  /// - Throws: `StoreError.memory` if a new panel is needed and there is not enough.
  func reserveLane() throws(StoreError) {
    guard ring.made == panels.count * Tag.lanes else { return }
    let panel = try FilterPanel(byteCount: geometry.bucketCount * Tag.lineBytes)
    if panels.count == basesCapacity {
      let larger = UnsafeMutablePointer<UnsafeMutableRawPointer>
        .allocate(capacity: basesCapacity * 2)
      larger.moveInitialize(from: bases, count: panels.count)
      bases.deallocate()
      bases = larger
      basesCapacity *= 2
    }
    (bases + panels.count).initialize(to: panel.base)
    panels.append(panel)
  }

  /// Adds the filter of a new youngest incarnation; `reserveLane` or `dropOldest` came before.
  ///
  /// - Parameter slots: All slots of the table that was frozen, each used one in its right bucket.
  func addYoungest(_ slots: UnsafePointer<HashInfo>) {
    let lane = ring.takeLane()
    for bucket in 0..<geometry.bucketCount {
      let tags = line(of: bucket, lane: lane)
      for slot in 0..<StoreGeometry.slotsPerBucket {
        let entry = slots[bucket * StoreGeometry.slotsPerBucket + slot]
        let tag = entry.isEmpty ? nil : geometry.tag(of: entry.digest, in: bucket)
        tags[slot * Tag.lanes + lane % Tag.lanes] =
          tag.map { Tag(truncatingIfNeeded: $0) } ?? Tag.unused
      }
    }
  }

  /// Leaves out the filter of the oldest incarnation (S19); its lane waits for the next one.
  func dropOldest() {
    ring.dropOldest()
  }

  /// Leaves out all filters and gives their memory back (S6).
  func removeAll() {
    panels.removeAll()
    ring = LaneRing()
  }
}
