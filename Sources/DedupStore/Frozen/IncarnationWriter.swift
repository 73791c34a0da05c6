internal import DiskIO

/// Writes a log store to disk as an incarnation: the filter, the table, and last the trailer.
///
/// Both areas go through one buffer of some store clusters, so that writes are large. One thread at a
/// time may use it.
package struct IncarnationWriter: ~Copyable {
  private let geometry: StoreGeometry
  private let storage: any StoreStorage
  private let checksum: XXH3Stream
  private let buffer: ZeroedBuffer

  /// The bytes of memory that a writer uses.
  static let ramBytes = 32 * StoreGeometry.storeClusterBytes

  /// A writer of incarnations with this geometry.
  ///
  /// - Throws: `StoreError.memory` if there is not enough.
  package init(geometry: StoreGeometry, storage: any StoreStorage) throws(StoreError) {
    let buffer = try ZeroedBuffer(
      storeBytes: Self.ramBytes, purpose: "writing the hash store")
    checksum = try XXH3Stream()
    self.buffer = buffer
    self.geometry = geometry
    self.storage = storage
  }

  /// Writes all of an incarnation.
  ///
  /// - Parameters:
  ///   - slots: All slots of the log store.
  ///   - used: How many of them are used.
  ///   - sequence: The number of the freeze.
  ///   - region: Where it goes.
  /// - Throws: `StoreError.io`, or `StoreError.misplacedEntry` (S14). The region holds no sealed
  ///   incarnation then.
  package func write(
    _ slots: UnsafeBufferPointer<StoreEntry>, used: Int, sequence: UInt64,
    to region: Limbo.Region
  ) throws(StoreError) {
    let filterChecksum: UInt64
    if geometry.tagBytes == 2 {
      filterChecksum = try writeFilter(slots, tags: UInt16.self, to: region)
    } else {
      filterChecksum = try writeFilter(slots, tags: UInt32.self, to: region)
    }
    let tableChecksum = try writeTable(slots, to: region)
    let trailer = IncarnationTrailer(
      order: UInt32(geometry.order), sequence: sequence, usedEntries: UInt64(used),
      filterChecksum: filterChecksum, tableChecksum: tableChecksum
    ).serialized
    buffer.bytes.copyBytes(from: trailer)
    try write(
      .init(rebasing: buffer.bytes[..<trailer.count]),
      at: region.offset + geometry.trailerOffset)
  }

  /// Writes the filter area (S11): each used slot's tag at the slot's own index, big-endian.
  ///
  /// - Returns: XXH3-64 of the tags of all slots.
  private func writeFilter<Tag: FixedWidthInteger>(
    _ slots: UnsafeBufferPointer<StoreEntry>, tags: Tag.Type, to region: Limbo.Region
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
        .init(piece), at: region.offset + start, isLast: end == geometry.filterBytes,
        in: region)
      start = end
    }
    return checksum.value
  }

  /// Writes the table area (S13): the entries in the order of their slots, 32 zero bytes for a free
  /// one, each checked to be in one of its buckets (S14).
  ///
  /// - Returns: XXH3-64 of the whole area.
  private func writeTable(
    _ slots: UnsafeBufferPointer<StoreEntry>, to region: Limbo.Region
  ) throws(StoreError) -> UInt64 {
    checksum.reset()
    let area = region.offset + geometry.filterBytes
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
        .init(piece), at: area + start, isLast: end == geometry.tableBytes, in: region)
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

  /// The bytes of the next piece of an area: whole store clusters, at most a buffer full.
  private func piece(from start: Int, of areaBytes: Int) -> UnsafeMutableRawBufferPointer {
    let count = min(buffer.bytes.count, areaBytes - start)
    let piece = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<count])
    piece.initializeMemory(as: UInt8.self, repeating: 0)
    return piece
  }

  /// Writes a piece of an area.
  ///
  /// A store cluster of zeros in a fresh region is left out, except the last one of the area (S13),
  /// so that the file reaches as far as the incarnation does.
  ///
  /// - Parameters:
  ///   - piece: Whole store clusters.
  ///   - offset: Where they go.
  ///   - isLast: Whether the area ends with them.
  ///   - region: The region that holds the area.
  /// - Throws: `StoreError.io`.
  private func store(
    _ piece: UnsafeRawBufferPointer, at offset: StorageOffset, isLast: Bool, in region: Limbo.Region
  ) throws(StoreError) {
    let size = StoreGeometry.storeClusterBytes
    var start = 0
    var end = 0
    while end < piece.count {
      let next = end + size
      let cluster = UnsafeRawBufferPointer(rebasing: piece[end..<next])
      let isNeeded = !region.isFresh || (isLast && next == piece.count) || !isZero(cluster)
      if !isNeeded {
        try write(.init(rebasing: piece[start..<end]), at: offset + start)
        start = next
      }
      end = next
    }
    try write(.init(rebasing: piece[start..<end]), at: offset + start)
  }

  private func write(_ bytes: UnsafeRawBufferPointer, at offset: StorageOffset) throws(StoreError) {
    if bytes.isEmpty { return }
    do {
      try storage.write(bytes, at: offset)
    } catch {
      throw .io(error)
    }
  }

  private func isZero(_ cluster: UnsafeRawBufferPointer) -> Bool {
    cluster.bindMemory(to: UInt64.self).allSatisfy { $0 == 0 }
  }
}
