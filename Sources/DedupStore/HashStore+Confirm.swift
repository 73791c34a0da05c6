internal import DiskIO

extension HashStore {
  /// Tries the lanes of a group in which a tag has matched, from the youngest to the oldest.
  ///
  /// Per incarnation it is bucket h1 with tag h2, then bucket h2 with tag h1 (S23). When both are
  /// the same bucket the second try would read it again for nothing (S24).
  @inline(never)
  func confirm(
    _ lanes: Range<Int>, for wanted: WantedEntry, _ tags: TagFilters.Tags
  ) throws(StoreError) -> FrozenPlace? {
    for lane in lanes.reversed() {
      let rank = filters.ring.rank(ofLane: lane)
      let first = try confirm(
        bucket: tags.h1, tag: tags.inH1, lane: lane, rank: rank, for: wanted)
      if let first { return first }
      if tags.h1 == tags.h2 { continue }
      let second = try confirm(
        bucket: tags.h2, tag: tags.inH2, lane: lane, rank: rank, for: wanted)
      if let second { return second }
    }
    return nil
  }

  /// Compares the whole digests of all slots of a bucket whose tag matches. Unless RAM has the
  /// table, the bucket is read at the first of them (S24).
  private func confirm(
    bucket: Int, tag: UInt16, lane: Int, rank: Int, for wanted: WantedEntry
  ) throws(StoreError) -> FrozenPlace? {
    let kept = incarnations[rank].table?.slots
    var tagMatched = false
    var digestMatched = false
    for index in 0..<StoreGeometry.slotsPerBucket {
      guard filters.lane(lane, has: tag, inSlot: index, of: bucket) else { continue }
      let slot = bucket * StoreGeometry.slotsPerBucket + index
      if !tagMatched, kept == nil { try read(bucket, of: incarnations[rank]) }
      tagMatched = true
      let entry =
        kept?[slot]
        ?? StoreEntry(
          decoding: UnsafeRawBufferPointer(bucketBytes.bytes), at: index * StoreGeometry.entryBytes)
      guard entry.digest == wanted.digest, !entry.isEmpty else { continue }
      digestMatched = true
      if let exactly = wanted.exactly, exactly != entry { continue }
      if incarnations[rank].removedSlots.contains(slot) { continue }
      return FrozenPlace(entry: entry, rank: rank, slot: slot)
    }
    if tagMatched && !digestMatched { counters.falsePositives += 1 }
    return nil
  }

  /// Reads a bucket, which never spans two store clusters (S3), and not the whole store cluster: the
  /// system reads no less from a disk, but copies less.
  private func read(_ bucket: Int, of incarnation: Incarnation) throws(StoreError) {
    let inTable = geometry.tableOffset(ofSlot: bucket * StoreGeometry.slotsPerBucket)
    do {
      try storage.read(
        into: bucketBytes.bytes,
        at: incarnation.offset + UInt64(geometry.filterBytes + inTable))
    } catch {
      throw .io(error)
    }
  }
}
