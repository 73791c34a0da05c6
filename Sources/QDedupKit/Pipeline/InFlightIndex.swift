package import DedupStore

/// Finds clusters that have been looked up but not yet placed, by their digest.
///
/// The store learns of a cluster when it gets its room, and in a compressed image that is up to
/// `lag` batches after it was looked up. Until then a duplicate is found here.
///
/// A hash table with linear probing. It has at least twice as many slots as it may hold entries, a
/// power of two, so that every run of used slots ends and every search with it. The home slot of a
/// digest is its low bits. Removing moves later entries of a run back over the gap: there are no
/// tombstones, and searches stay as short after millions of removals as they were at first.
///
/// One thread at a time uses it: the one that holds the pipeline's turn. It owns its slots, not what
/// they point to: places and bytes belong to batches, which leave the index before they are idle.
/// Costs 32 bytes a slot; finding, adding and removing are O(1) on average. Chosen digests can make
/// a run of all entries in flight, 576 with 4 KiB clusters: slow, never endless.
package struct InFlightIndex: ~Copyable {
  /// A cluster in flight.
  package struct Entry {
    package var digest: Digest
    /// What the ordered part knows of it; nil in a free slot.
    package var place: UnsafeMutablePointer<ClusterPlace>?
    /// Its bytes in memory.
    package var bytes: UnsafeRawPointer?

    package init(
      digest: Digest, place: UnsafeMutablePointer<ClusterPlace>?, bytes: UnsafeRawPointer?
    ) {
      self.digest = digest
      self.place = place
      self.bytes = bytes
    }
  }

  private let slots: UnsafeMutableBufferPointer<Entry>
  private let mask: Int
  private let capacity: Int
  /// How many slots are used.
  package private(set) var count = 0

  /// An index for at most `capacity` clusters at a time.
  package init(capacity: Int) {
    var slotCount = 16
    while slotCount < capacity * 2 { slotCount *= 2 }
    self.capacity = capacity
    mask = slotCount - 1
    slots = .allocate(capacity: slotCount)
    slots.initialize(
      repeating: Entry(digest: Digest(high: 0, low: 0), place: nil, bytes: nil))
  }

  deinit { slots.deallocate() }

  /// The cluster in flight that has this digest.
  package func find(_ digest: Digest) -> Entry? {
    let entry = slots[slot(of: digest)]
    return entry.place == nil ? nil : entry
  }

  /// Adds a cluster, or puts it in the place of another one with the same digest.
  ///
  /// An entry more than the capacity is a fault of the caller, and a trap: in a full table no search
  /// would end.
  package mutating func insert(_ entry: Entry) {
    precondition(entry.place != nil, "an entry without a place is a free slot")
    let slot = slot(of: entry.digest)
    if slots[slot].place == nil {
      precondition(count < capacity, "more clusters are in flight than the index has room for")
      count += 1
    }
    slots[slot] = entry
  }

  /// Removes a cluster.
  ///
  /// - Returns: False if another cluster has taken its place, or it was never there.
  package mutating func remove(
    _ digest: Digest, place: UnsafeMutablePointer<ClusterPlace>
  ) -> Bool {
    var free = slot(of: digest)
    guard slots[free].place == place else { return false }
    // Moves later entries of the run back over the gap, so that no search ends too early.
    var next = free
    while true {
      next = (next + 1) & mask
      guard slots[next].place != nil else { break }
      if distance(from: home(of: slots[next].digest), to: next) >= distance(from: free, to: next) {
        slots[free] = slots[next]
        free = next
      }
    }
    slots[free].place = nil
    count -= 1
    return true
  }

  /// Checks what always holds: the count is right and within the capacity, no digest is there
  /// twice, and no search for an entry meets a free slot before it. A violation is a trap.
  ///
  /// O(slots); for tests.
  package func checkInvariants() {
    precondition(count <= capacity && capacity * 2 <= slots.count, "the index is too full")
    let firstFree = slots.firstIndex { $0.place == nil }
    guard let firstFree else { preconditionFailure("the index has no free slot") }
    var (runStart, used) = (firstFree, 0)
    var seen = Set<Digest>()
    for step in 1...slots.count {
      let index = (firstFree + step) & mask
      guard slots[index].place != nil else {
        runStart = index
        continue
      }
      used += 1
      precondition(seen.insert(slots[index].digest).inserted, "a digest is there twice")
      // The slot after the free one is where its run begins.
      precondition(
        distance(from: home(of: slots[index].digest), to: index)
          < distance(from: runStart, to: index), "an entry cannot be found from its home")
    }
    precondition(used == count, "the index has \(used) entries and counts \(count)")
  }

  /// The slot that holds `digest`, or the free one where it would go.
  private func slot(of digest: Digest) -> Int {
    var index = home(of: digest)
    while slots[index].place != nil, slots[index].digest != digest { index = (index + 1) & mask }
    return index
  }

  /// Where a search for `digest` begins.
  private func home(of digest: Digest) -> Int { Int(truncatingIfNeeded: digest.low) & mask }

  /// How many slots a search goes on from one slot to another, around the end of the table.
  private func distance(from first: Int, to second: Int) -> Int { (second - first) & mask }
}
