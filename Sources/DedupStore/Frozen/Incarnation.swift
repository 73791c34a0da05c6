internal import DiskIO

/// A frozen log store, as RAM knows it: where it is on disk, and which of its entries are removed.
///
/// Of one that was saved, only the offset is known until its trailer has been read.
struct Incarnation {
  /// Where its filter area begins.
  let offset: StorageOffset
  /// The number of the freeze that wrote it.
  var sequence: UInt64
  /// The number of entries that were frozen.
  var used: Int
  /// Its table, if RAM still has it; else lookups read from disk.
  var table: SlotTable?
  /// The slots whose entries lookups skip (S33).
  var removedSlots: Set<Int> = []

  /// The number of entries that lookups can find.
  var entryCount: Int { used - removedSlots.count }
}

/// Reads the buckets of incarnations: from the table in RAM if it is kept, else from the storage into
/// a buffer of one bucket. One thread at a time may use it.
struct BucketReader: ~Copyable {
  private let geometry: StoreGeometry
  private let storage: any StoreStorage
  private let buffer: ZeroedBuffer

  /// The bytes of memory that a reader uses.
  static let ramBytes = StoreGeometry.bucketBytes

  /// - Throws: `StoreError.memory` if there is not enough.
  init(geometry: StoreGeometry, storage: any StoreStorage) throws(StoreError) {
    buffer = try ZeroedBuffer(storeBytes: Self.ramBytes, purpose: "reading the hash store")
    self.geometry = geometry
    self.storage = storage
  }

  /// A bucket, valid until the next one is read.
  struct Bucket {
    fileprivate let kept: UnsafePointer<StoreEntry>?
    fileprivate let encoded: UnsafeRawBufferPointer

    /// The entry in one of the four slots.
    subscript(slot: Int) -> StoreEntry {
      kept?[slot] ?? StoreEntry(decoding: encoded, at: slot * StoreGeometry.entryBytes)
    }
  }

  /// Reads a bucket, which never spans two store clusters (S3), and not the whole store cluster: the
  /// system reads no less from a disk, but copies less (S24, S26).
  ///
  /// - Throws: `StoreError.io`.
  func read(_ bucket: Int, of incarnation: Incarnation) throws(StoreError) -> Bucket {
    let slot = bucket * StoreGeometry.slotsPerBucket
    let kept = incarnation.table.map { UnsafePointer($0.slots + slot) }
    if kept == nil {
      do {
        try storage.read(
          into: buffer.bytes,
          at: incarnation.offset + (geometry.filterBytes + geometry.tableOffset(ofSlot: slot)))
      } catch {
        throw .io(error)
      }
    }
    return Bucket(kept: kept, encoded: UnsafeRawBufferPointer(buffer.bytes))
  }
}
