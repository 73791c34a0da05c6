internal import DiskIO
internal import Synchronization

/// Loads the filters of a saved store on a thread of its own, youngest first (S28).
///
/// Incarnation after incarnation, it reads the trailer, then the tags, and checks both. The tags go
/// into the lane of the incarnation; what was found out, the trailer or why the incarnation is
/// skipped, goes into a list that the user of the store takes now and then.
///
/// Lookups go on at the same time. They see only groups of lanes that are complete: the loader writes
/// the tags of all lanes of a group, and then lowers `firstLoadedLane` past them. The atomic store
/// releases what the lookups' atomic load acquires. An incarnation that is skipped has no tag in any
/// slot, so that it is never a candidate.
///
/// States: it loads from the start; it ends by itself at lane 0, or early after `stop`. `join` or
/// `stop` is called once, before the places of the groups change or their memory goes away. What may
/// be stale: `firstLoadedLane`, which then only hides what is already loaded.
///
/// Cost: a buffer of 128 KiB; it reads 2 or 4 bytes a slot, and writes into each line of the group for
/// each of its lanes.
final class FilterLoader: @unchecked Sendable {
  // Unchecked: the tags of a group are written by the loader's thread alone until `firstLoadedLane`
  // is at or below its lanes, and are not written by it afterwards. The places do not change before
  // the thread has been joined.

  /// What became of one incarnation.
  struct Outcome {
    let rank: Int
    /// Its trailer, or why it is skipped.
    let result: Result<IncarnationTrailer, StoreProblem.Reason>
  }

  private let reader: FilterReader
  private let offsets: [StorageOffset]
  private let places: [GroupPlace]
  private let firstLoaded: Atomic<Int>
  private let outcomes = Mutex<[Outcome]>([])
  private let isStopped = Atomic(false)
  private var thread: WorkerThread?

  /// Starts to load.
  ///
  /// - Parameters:
  ///   - places: The groups of the incarnations' lanes, without tags yet.
  ///   - geometry: The sizes of the store.
  ///   - offsets: Where the incarnations are, oldest first.
  ///   - storage: What holds them.
  /// - Throws: `StoreError` if there is no memory or no thread for it.
  init(
    _ places: [GroupPlace], geometry: StoreGeometry, offsets: [StorageOffset],
    storage: any StoreStorage & Sendable
  ) throws(StoreError) {
    self.offsets = offsets
    self.places = places
    firstLoaded = Atomic(offsets.count)
    reader = try FilterReader(geometry: geometry, storage: storage)
    do {
      thread = try WorkerThread { [self] in load() }
    } catch {
      throw .io(error)
    }
  }

  /// Lanes from this one on are loaded, or their incarnations are skipped.
  var firstLoadedLane: Int { firstLoaded.load(ordering: .acquiring) }

  /// What became of incarnations since the last call.
  func takeOutcomes() -> [Outcome] {
    outcomes.withLock { outcomes in
      defer { outcomes = [] }
      return outcomes
    }
  }

  /// Waits until all is loaded; to be called once, unless `stop` is.
  func join() {
    thread?.join()
    thread = nil
  }

  /// Ends the loading early.
  func stop() {
    isStopped.store(true, ordering: .relaxed)
    join()
  }

  private func load() {
    for (group, place) in places.enumerated().reversed() {
      let first = group * TagLine.lanes
      for rank in (first..<min(first + TagLine.lanes, offsets.count)).reversed() {
        if isStopped.load(ordering: .relaxed) { return }
        let result = Result { () throws(StoreProblem.Reason) in
          try reader.read(incarnationAt: offsets[rank], to: place, lane: rank % TagLine.lanes)
        }
        outcomes.withLock { $0.append(Outcome(rank: rank, result: result)) }
      }
      firstLoaded.store(first, ordering: .releasing)
    }
  }
}

/// Reads the filter areas of saved incarnations. One thread at a time may use it.
private struct FilterReader: ~Copyable {
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
