internal import DiskIO

extension IncarnationWriter {
  /// Writes the filter area (S11): each used slot's tag at the slot's own index, big-endian.
  ///
  /// - Returns: XXH3-64 of the tags of all slots.
  func writeFilter<Tag: FixedWidthInteger>(
    _ slots: UnsafePointer<StoreEntry>, tags: Tag.Type, to region: StoreRegion
  ) throws(StoreError) -> UInt64 {
    checksum.reset()
    let tagBytes = MemoryLayout<Tag>.size
    var start = 0
    while start < geometry.filterBytes {
      let piece = piece(from: start, of: geometry.filterBytes)
      let end = start + piece.count
      let slotsEnd = min(end / tagBytes, geometry.entryCount)
      for slot in start / tagBytes..<max(slotsEnd, start / tagBytes) where !slots[slot].isEmpty {
        let tag = try tag(of: slots[slot], inSlot: slot)
        piece.storeBigEndian(Tag(truncatingIfNeeded: tag), at: slot * tagBytes - start)
      }
      let tagsEnd = max(min(end, geometry.allTagsBytes) - start, 0)
      checksum.update(.init(rebasing: piece[..<tagsEnd]))
      try store(
        .init(piece), at: region.offset + UInt64(start), isLast: end == geometry.filterBytes,
        in: region)
      start = end
    }
    return checksum.value
  }

  /// Writes the table area (S13): the entries in the order of their slots, 32 zero bytes for a free
  /// one, each checked to stand in one of its buckets (S14).
  ///
  /// - Returns: XXH3-64 of the whole area.
  func writeTable(
    _ slots: UnsafePointer<StoreEntry>, to region: StoreRegion
  ) throws(StoreError) -> UInt64 {
    checksum.reset()
    let area = region.offset + UInt64(geometry.filterBytes)
    var start = 0
    while start < geometry.tableBytes {
      let piece = piece(from: start, of: geometry.tableBytes)
      let end = start + piece.count
      let slotsEnd = min(end / StoreGeometry.entryBytes, geometry.entryCount)
      let slotsStart = start / StoreGeometry.entryBytes
      for slot in slotsStart..<max(slotsEnd, slotsStart) where !slots[slot].isEmpty {
        _ = try tag(of: slots[slot], inSlot: slot)
        slots[slot].encode(to: piece, at: geometry.tableOffset(ofSlot: slot) - start)
      }
      checksum.update(.init(piece))
      try store(
        .init(piece), at: area + UInt64(start), isLast: end == geometry.tableBytes, in: region)
      start = end
    }
    return checksum.value
  }

  private func tag(of entry: StoreEntry, inSlot slot: Int) throws(StoreError) -> Int {
    let bucket = slot / StoreGeometry.slotsPerBucket
    guard let tag = geometry.tag(of: entry.digest, in: bucket) else {
      throw .misplacedEntry(entry, bucket: bucket, order: geometry.order)
    }
    return tag
  }
}
