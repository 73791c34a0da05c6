internal import CQDedupShims

/// The bytes that the processor brings near at once, on all machines that count here.
let cacheLineBytes = 64

extension LogStore {
  /// Brings near what a lookup in these two buckets compares.
  func prefetch(_ h1: Int, _ h2: Int) {
    let bucketBytes = StoreGeometry.bucketBytes
    let base = UnsafeRawPointer(slots)
    for part in 0..<bucketBytes / cacheLineBytes {
      qdedup_prefetch(base + h1 * bucketBytes + part * cacheLineBytes)
      qdedup_prefetch(base + h2 * bucketBytes + part * cacheLineBytes)
    }
  }

  /// The entry with this digest, or nil; looks in bucket h1, then in h2 (S7).
  @inline(__always)
  package func lookup(_ digest: Digest) -> StoreEntry? {
    slot(of: digest).map { slots[$0] }
  }

  /// Where the entry with this digest stands.
  @inline(__always)
  func slot(of digest: Digest) -> Int? {
    let (h1, h2) = geometry.buckets(of: digest)
    return slot(of: digest, in: h1) ?? slot(of: digest, in: h2)
  }

  @inline(__always)
  private func slot(of digest: Digest, in bucket: Int) -> Int? {
    let first = bucket * StoreGeometry.slotsPerBucket
    for slot in first..<first + StoreGeometry.slotsPerBucket
    where slots[slot].digest == digest && !slots[slot].isEmpty {
      return slot
    }
    return nil
  }
}
