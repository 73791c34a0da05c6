internal import DiskIO

/// Writes a log store to disk as an incarnation: the filter, the table, and last the trailer.
struct IncarnationWriter: ~Copyable {
  let geometry: StoreGeometry
  let storage: any StoreStorage
  let checksum: XXH3Stream
  /// Some store clusters, so that writes are large.
  let buffer: ZeroedBuffer

  /// The bytes of memory that a writer uses.
  static let ramBytes = 32 * StoreGeometry.storeClusterBytes

  /// A writer of incarnations with this geometry.
  ///
  /// - Throws: `StoreError.memory` if there is not enough.
  init(geometry: StoreGeometry, storage: any StoreStorage) throws(StoreError) {
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
  func write(
    _ slots: UnsafePointer<StoreEntry>, used: Int, sequence: UInt64, to region: StoreRegion
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
    let place = region.offset + UInt64(geometry.filterBytes - IncarnationTrailer.byteCount)
    buffer.bytes.copyBytes(from: trailer)
    try write(.init(rebasing: buffer.bytes[..<trailer.count]), at: place)
  }

  /// The bytes of the next piece of an area: whole store clusters, at most a buffer full.
  func piece(from start: Int, of areaBytes: Int) -> UnsafeMutableRawBufferPointer {
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
  ///   - offset: The byte offset at which they go.
  ///   - isLast: Whether the area ends with them.
  ///   - region: The region that holds the area.
  /// - Throws: `StoreError.io`.
  func store(
    _ piece: UnsafeRawBufferPointer, at offset: UInt64, isLast: Bool, in region: StoreRegion
  ) throws(StoreError) {
    let size = StoreGeometry.storeClusterBytes
    var start = 0
    var end = 0
    while end < piece.count {
      let next = end + size
      let cluster = UnsafeRawBufferPointer(rebasing: piece[end..<next])
      let isNeeded = !region.isFresh || (isLast && next == piece.count) || !isZero(cluster)
      if !isNeeded {
        try write(.init(rebasing: piece[start..<end]), at: offset + UInt64(start))
        start = next
      }
      end = next
    }
    try write(.init(rebasing: piece[start..<end]), at: offset + UInt64(start))
  }

  private func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(StoreError) {
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
