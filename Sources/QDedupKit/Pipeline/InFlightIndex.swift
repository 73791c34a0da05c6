package import DedupStore

/// Finds clusters that have been looked up but not yet placed, by their digest.
///
/// A hash table with linear probing over at most half of its slots; O(1).
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

  /// An index for at most `capacity` clusters at a time.
  package init(capacity: Int) {
    var count = 16
    while count < capacity * 2 { count *= 2 }
    mask = count - 1
    slots = .allocate(capacity: count)
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
  package func insert(_ entry: Entry) {
    slots[slot(of: entry.digest)] = entry
  }

  /// Removes a cluster.
  ///
  /// - Returns: False if another cluster has taken its place, or it was never there.
  package func remove(_ digest: Digest, place: UnsafeMutablePointer<ClusterPlace>) -> Bool {
    var free = slot(of: digest)
    guard slots[free].place == place else { return false }
    // Moves later entries of the run back over the gap, so that no search ends too early.
    var next = free
    while true {
      next = (next + 1) & mask
      guard slots[next].place != nil else { break }
      let home = Int(truncatingIfNeeded: slots[next].digest.low) & mask
      if (next - home) & mask >= (next - free) & mask {
        slots[free] = slots[next]
        free = next
      }
    }
    slots[free].place = nil
    return true
  }

  /// The slot that holds `digest`, or the free one where it would go.
  private func slot(of digest: Digest) -> Int {
    var index = Int(truncatingIfNeeded: digest.low) & mask
    while slots[index].place != nil, slots[index].digest != digest { index = (index + 1) & mask }
    return index
  }
}
