internal import DiskIO

/// Reads the filter areas of saved incarnations. One thread at a time may use it.
struct FilterReader: ~Copyable {
  private let geometry: StoreGeometry
  private let storage: any StoreStorage & Sendable
  private let checksum: XXH3Stream
  private let buffer: ZeroedBuffer

  private static let bytesPerRead = 32 * StoreGeometry.storeClusterBytes

  /// - Throws: `StoreError.memory` if there is not enough.
  init(geometry: StoreGeometry, storage: any StoreStorage & Sendable) throws(StoreError) {
    let buffer = try ZeroedBuffer(
      storeBytes: Self.bytesPerRead, purpose: "reading the filters of the hash store")
    checksum = try XXH3Stream()
    self.buffer = buffer
    self.geometry = geometry
    self.storage = storage
  }

  /// Reads the filter of one incarnation into a lane.
  ///
  /// The lane holds tags only if all of them are right; else it holds none.
  ///
  /// - Parameters:
  ///   - offset: Where the incarnation begins.
  ///   - place: The group of the lane.
  ///   - lane: The lane within the group.
  /// - Returns: The trailer of the incarnation.
  /// - Throws: `StoreProblem.Reason`: the trailer is not one of this store, the tags have another
  ///   checksum, or something cannot be read.
  func read(
    incarnationAt offset: StorageOffset, to place: GroupPlace, lane: Int
  ) throws(StoreProblem.Reason) -> IncarnationTrailer {
    do throws(StoreProblem.Reason) {
      let trailer = try IncarnationTrailer(
        ofIncarnationAt: offset, geometry: geometry, storage: storage)
      checksum.reset()
      var start = 0
      while start < geometry.allTagsBytes {
        let count = min(Self.bytesPerRead, geometry.allTagsBytes - start)
        let piece = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<count])
        try read(into: piece, at: offset + start)
        checksum.update(.init(piece))
        spread(.init(piece), from: start / geometry.tagBytes, to: place, lane: lane)
        start += count
      }
      guard checksum.value == trailer.filterChecksum else {
        throw .format(
          .checksumMismatch(
            "incarnation filter", stored: trailer.filterChecksum, computed: checksum.value))
      }
      return trailer
    } catch {
      for slot in 0..<geometry.entryCount { put(TagLine.unused, inSlot: slot, of: place, lane) }
      throw error
    }
  }

  private func read(
    into piece: UnsafeMutableRawBufferPointer, at offset: StorageOffset
  ) throws(StoreProblem.Reason) {
    do { try storage.read(into: piece, at: offset) } catch { throw .io(error) }
  }

  /// Puts tags that are one after the other on disk into the lane.
  private func spread(
    _ tags: UnsafeRawBufferPointer, from firstSlot: Int, to place: GroupPlace,
    lane: Int
  ) {
    for index in 0..<tags.count / geometry.tagBytes {
      let tag =
        geometry.tagBytes == 2
        ? UInt64(tags.loadBigEndian(UInt16.self, at: index * 2))
        : UInt64(tags.loadBigEndian(UInt32.self, at: index * 4))
      put(TagLine.tag(tag), inSlot: firstSlot + index, of: place, lane)
    }
  }

  @inline(__always)
  private func put(
    _ tag: UInt16, inSlot slot: Int, of place: GroupPlace, _ lane: Int
  ) {
    let slots = StoreGeometry.slotsPerBucket
    place.setTag(tag, ofSlot: slot % slots, of: slot / slots, lane: lane)
  }
}
