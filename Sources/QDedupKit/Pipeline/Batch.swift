internal import DedupStore
package import DiskIO
package import DiskImage
internal import QCOW2

/// A run of guest clusters on its way through the pipeline, with the memory that it needs.
///
/// Stages, and who may touch what:
///
///     idle → filled → resolved → prepared → placed → idle
///
/// - *idle*: in the pool, or with the worker that fills it.
/// - *filled*: read and digested. All of it belongs to that worker. A batch without data goes back
///   to the pool from here.
/// - *resolved*: looked up, in its turn. Its plans belong to its worker, which compares and
///   compresses; its places to the worker that holds the turn. The worker reads only the places of
///   duplicates that are in the output already, which nobody changes any more.
/// - *prepared*: compared and compressed. All of it belongs to the worker that holds the turn.
/// - *placed*: every cluster has its room and is mapped. In a compressed image it is written next,
///   and retained until nobody compares with it any more.
///
/// From its turn on, until it is idle again, other workers read its bytes to compare with them.
/// A wrong move of the stage ends the program: it would be a race, and a wrong image.
///
/// Costs its bytes, in a compressed image those of its compressed clusters, and about 100 bytes a cluster.
package final class Batch: @unchecked Sendable {
  // Unchecked: what changes hands does so under the pipeline's lock.

  let geometry: ClusterGeometry
  private let buffer: AlignedBuffer
  /// The compressed data of its unique clusters, one after another; empty in a plain image.
  let compressed: AlignedBuffer
  private let planBuffer: UnsafeMutableBufferPointer<ClusterPlan>
  private let placeBuffer: UnsafeMutableBufferPointer<ClusterPlace>

  /// Whether its clusters are stored compressed.
  var isCompressed: Bool { !compressed.bytes.isEmpty }

  /// Where it is on its way.
  private(set) var stage = BatchStage.idle
  /// Its number in the order of all batches: 0, 1, 2 …
  package private(set) var ticket: UInt64 = 0
  /// The guest offset of its first cluster.
  package private(set) var start = GuestOffset(0)
  /// How many clusters it holds.
  package private(set) var clusterCount = 0
  /// Whether any cluster holds something other than zeros; known once it is filled.
  var hasData = false
  /// What of it is to be written, and where.
  var writes: WriteList
  /// Its number in the order of writes of unique clusters: 0, 1, 2 …
  var writeNumber = 0
  /// The number of the last write that had room when it was resolved: what it shares is in one of
  /// these. -1 if there was none.
  var lastWriteBefore = -1

  /// A batch for up to `byteCount` bytes, a multiple of the cluster size, and for
  /// `compressedByteCount` compressed ones.
  package init(byteCount: Int, geometry: ClusterGeometry, compressedByteCount: Int = 0)
    throws(IOError)
  {
    self.geometry = geometry
    compressed = try AlignedBuffer(
      byteCount: compressedByteCount, purpose: "compressed clusters on their way")
    buffer = try AlignedBuffer(byteCount: byteCount, purpose: "clusters on their way")
    writes = WriteList(clusterCount: byteCount >> geometry.clusterBits)
    planBuffer = .allocate(capacity: byteCount >> geometry.clusterBits)
    placeBuffer = .allocate(capacity: byteCount >> geometry.clusterBits)
  }

  deinit {
    planBuffer.deallocate()
    placeBuffer.deallocate()
  }

  /// Goes on to the next stage.
  ///
  /// A move that the order of stages does not know is a fault of the pipeline, and a trap.
  package func move(to next: BatchStage) {
    precondition(stage.mayBecome(next), "a batch went from \(stage) to \(next)")
    stage = next
  }

  /// Becomes the batch for a run of clusters whose bytes are, or will be, in `room`.
  ///
  /// - Parameters:
  ///   - ticket: Its number in the order of all batches.
  ///   - start: The guest offset of its first cluster.
  ///   - clusterCount: How many clusters; no more than it has room for.
  func assign(ticket: UInt64, start: GuestOffset, clusterCount: Int) {
    precondition(stage == .idle, "a batch in use was filled again")
    precondition(clusterCount <= planBuffer.count, "a batch was given too many clusters")
    (self.ticket, self.start, self.clusterCount) = (ticket, start, clusterCount)
  }

  /// The most bytes that it can hold.
  package var capacity: Int { buffer.bytes.count }

  /// All of the memory for guest bytes, in use or not.
  var room: UnsafeMutableRawBufferPointer { buffer.bytes }

  /// The guest bytes of its clusters.
  package var bytes: UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<(clusterCount << geometry.clusterBits)])
  }

  /// The workers' knowledge of each cluster. Indices are checked in debug builds.
  var plans: UnsafeMutableBufferPointer<ClusterPlan> { planBuffer }

  /// The ordered part's knowledge of each cluster. Indices are checked in debug builds.
  var places: UnsafeMutableBufferPointer<ClusterPlace> { placeBuffer }

  /// The place of cluster `index`, for those who share its data.
  func placePointer(_ index: Int) -> UnsafeMutablePointer<ClusterPlace> {
    assert(index >= 0 && index < clusterCount, "no such cluster in the batch")
    return placeBuffer.baseAddress! + index
  }

  /// Where the bytes of cluster `index` are in memory: `geometry.clusterSize` of them.
  func address(_ index: Int) -> UnsafeMutableRawPointer {
    assert(index >= 0 && index < clusterCount, "no such cluster in the batch")
    return buffer.bytes.baseAddress! + index << geometry.clusterBits
  }

  /// What is to be written of cluster `index` if it needs room: its bytes, or its compressed data.
  func content(_ index: Int) -> UnsafeMutableRawBufferPointer {
    plans[index].compressed
      ?? UnsafeMutableRawBufferPointer(start: address(index), count: geometry.clusterSize)
  }

  /// The guest offset of cluster `index`.
  func guestOffset(_ index: Int) -> GuestOffset {
    GuestOffset(start.bytes + UInt64(index) << geometry.clusterBits)
  }

  /// The guest offset after its last cluster.
  var end: GuestOffset { guestOffset(clusterCount) }
}

/// Where a batch is on its way; `Batch` says what each stage means.
package enum BatchStage: UInt8, CaseIterable, Sendable {
  case idle, filled, resolved, prepared, placed

  /// Whether a batch may go from this stage to `next`. One that was not filled, or holds no data,
  /// goes back to the pool at once.
  package func mayBecome(_ next: BatchStage) -> Bool {
    switch (self, next) {
    case (.idle, .filled), (.filled, .resolved), (.resolved, .prepared), (.prepared, .placed),
      (.placed, .idle), (.idle, .idle), (.filled, .idle):
      true
    default: false
    }
  }
}

/// What a worker knows of one cluster of its batch.
struct ClusterPlan {
  enum Kind: UInt8 {
    /// All zeros: becomes unallocated.
    case zero
    /// Something else, not looked up yet.
    case data
    /// First of its content: gets room in the output and an entry in the store.
    case unique
    /// The store, or the batches still in flight, say that its content is there already.
    case duplicate
    /// Equal to a stored cluster that it must not share, because that would be in the file where
    /// this one is on the disk: gets room, but no entry.
    case copy
    /// Called a duplicate, but its bytes differ: gets room, but no entry (S34).
    case collision
  }

  var kind: Kind
  var digest: Digest
  /// For a duplicate of a cluster that was in flight, that cluster's bytes in memory.
  var originalBytes: UnsafeRawPointer?
  /// For a duplicate: whether its data was in the file before this conversion.
  var isOld = false
  /// Once compressed, its compressed data; nil in a plain image.
  var compressed: UnsafeMutableRawBufferPointer?

  /// Whether its data needs room of its own in the output.
  var needsRoom: Bool { kind == .unique || kind == .collision }
}

/// What the ordered part of the pipeline knows of one cluster.
package struct ClusterPlace {
  /// Where the data is in the output; known for duplicates of placed clusters from the start, for
  /// others (nil until then) from when they get their room.
  var mapping: ClusterMapping?
  /// The guest offset of the first cluster that was mapped to the data.
  var owner: GuestOffset
  /// For a duplicate of a compressed cluster of this conversion: where in the output the L2 entry is
  /// that maps `owner`, once it is written.
  var ownerEntry: HostOffset?
  /// How many guest clusters share the data, for a cluster in flight.
  var references: UInt32
  /// For a duplicate of a cluster that was in flight, that cluster's place.
  var originalPlace: UnsafeMutablePointer<ClusterPlace>?
}
