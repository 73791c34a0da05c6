internal import DedupStore
internal import DiskImage
internal import QCOW2

/// What is in the output: the image writer, the store and the counts, and the steps that keep them
/// in agreement for each cluster. Both sequencers use it; it does not know when a cluster gets its
/// room, only what has to be noted then.
///
/// - A cluster that shares data adds a reference to it, and counts it as looked up.
/// - A cluster that gets room has it written, has its references counted, and is known to the store
///   unless it is a collision or superseded.
/// - Whatever a cluster turns out to be, it is mapped once, in guest order.
///
/// One thread at a time uses it: the one that holds the pipeline's turn.
final class OutputLedger {
  let writer: ImageWriter
  private let store: HashStore
  /// How many references a host cluster may have.
  let maxReferences: UInt32
  var counts = ClusterCounts()
  /// Where the data ends that got its room last: data goes forward in the output.
  private(set) var dataEnd = HostOffset(0)

  /// An empty output, written by `writer`; `store` learns what is in it.
  init(writer: ImageWriter, store: HashStore, maxReferences: UInt32) {
    self.writer = writer
    self.store = store
    self.maxReferences = maxReferences
  }

  /// How many clusters ahead the store is told what will be looked up.
  static let lookahead = 3

  /// Checks that the disk may reach to a batch's end, which nobody knows beforehand of a pipe.
  func check(_ batch: Batch) throws(ConversionError) {
    try converting(ConversionError.writer) { () throws(ImageWriterError) in
      try writer.check(virtualSize: batch.end.bytes)
    }
  }

  /// Tells the store that a cluster will be looked up soon, if there is such a cluster with data.
  func prefetch(_ batch: Batch, _ cluster: Int) {
    guard cluster < batch.clusterCount, batch.plans[cluster].kind != .zero else { return }
    store.prefetch(batch.plans[cluster].digest)
  }

  /// Shares a cluster that the store knows, unless there is none or its references are used up. One
  /// that must not be shared here becomes a copy.
  ///
  /// - Returns: Whether it is known what becomes of the cluster.
  func joinStored(_ batch: Batch, _ cluster: Int) throws(ConversionError) -> Bool {
    let digest = batch.plans[cluster].digest
    let found = try converting(ConversionError.store) { () throws(StoreError) in
      try store.lookup(digest)
    }
    guard let entry = found?.entry else { return false }
    let mapping = ClusterMapping(physicalSector: entry.physicalSector)
    guard mapping.isCompressed == batch.isCompressed, mayBeShared(mapping) else { return false }
    let owner = GuestOffset(entry.firstLogicalSector << 9)
    guard !writer.isOwnPlace(mapping, of: batch.guestOffset(cluster)) else {
      // It gets a copy elsewhere; later duplicates go on sharing the first one.
      becomeUnique(batch, cluster)
      batch.plans[cluster].kind = .copy
      return true
    }
    guard writer.references(to: mapping) < maxReferences else {
      _ = try converting(ConversionError.store) { () throws(StoreError) in
        try store.remove(entry)
      }
      counts.referencesCapped += 1
      return false
    }
    writer.addReferences(1, to: mapping, mappedFrom: owner)
    batch.plans[cluster].kind = .duplicate
    batch.plans[cluster].originalBytes = nil
    let isOld = writer.isOld(mapping)
    batch.plans[cluster].isOld = isOld
    batch.places[cluster] = ClusterPlace(
      mapping: mapping, owner: owner,
      ownerEntry: mapping.isCompressed && !isOld ? writer.entryPlace(of: owner) : nil,
      references: 0, originalPlace: nil)
    return true
  }

  /// Whether a place that the store names holds data that is in the file, or will be.
  private func mayBeShared(_ mapping: ClusterMapping) -> Bool {
    if writer.continuesFile {
      if writer.holdsData(mapping) { return true }
      counts.stale += 1
      return false
    }
    // What was read back from the file names no data of this image only if the disk is at fault; then
    // nobody would write it, and a comparison would wait for ever.
    return mapping.host(writer.geometry) < dataEnd
  }

  /// Notes that a cluster is the first of its content. It has no room yet.
  func becomeUnique(_ batch: Batch, _ cluster: Int) {
    batch.plans[cluster].kind = .unique
    batch.places[cluster] = ClusterPlace(
      mapping: nil, owner: batch.guestOffset(cluster), references: 1, originalPlace: nil)
  }

  /// Puts a unique cluster where it got room, and makes it known to the store.
  func putUnique(
    _ batch: Batch, _ cluster: Int, _ mapping: ClusterMapping
  ) throws(ConversionError) {
    let place = batch.places[cluster]
    put(batch, cluster, mapping, references: place.references)
    let entry = StoreEntry(
      digest: batch.plans[cluster].digest, physicalSector: mapping.physicalSector,
      firstLogicalSector: place.owner.bytes / 512)
    try converting(ConversionError.store) { () throws(StoreError) in try store.insert(entry) }
  }

  /// Puts the data of one cluster, compressed if it has been, where it got room, and has it written.
  func put(
    _ batch: Batch, _ cluster: Int, _ mapping: ClusterMapping, references: UInt32
  ) {
    let content = batch.content(cluster)
    writer.addReferences(references, to: mapping)
    batch.places[cluster].mapping = mapping
    let host = mapping.host(writer.geometry)
    batch.writes.append(content, at: host)
    dataEnd = HostOffset(host.bytes + UInt64(content.count))
    counts.unique += 1
    counts.writtenBytes += UInt64(content.count)
  }

  /// Puts a cluster that only seemed to be a duplicate where it got room of its own (S34).
  ///
  /// If what it seemed to equal was written by this conversion, its digest is that of another
  /// content, and it gets no entry. If it is older, the entry may have become stale since: then the
  /// new one takes its place.
  func putInstead(
    _ batch: Batch, _ cluster: Int, _ mapping: ClusterMapping
  ) throws(ConversionError) {
    let place = batch.places[cluster]
    let seeming = place.originalPlace.map { $0.pointee.mapping } ?? place.mapping
    writer.removeReference(to: seeming!, mappedFrom: place.owner)
    guard batch.plans[cluster].isOld else {
      counts.collisions += 1
      return put(batch, cluster, mapping, references: 1)
    }
    counts.stale += 1
    becomeUnique(batch, cluster)
    try putUnique(batch, cluster, mapping)
  }

  /// Maps a cluster to where its data is.
  func map(_ batch: Batch, _ cluster: Int) throws(ConversionError) {
    try converting(ConversionError.writer) { () throws(ImageWriterError) in
      try writer.map(batch.guestOffset(cluster), to: batch.places[cluster].mapping!)
    }
  }
}

/// What became of the clusters that hold data.
struct ClusterCounts {
  /// Clusters with room of their own.
  var unique: UInt64 = 0
  /// What unique clusters take in the output, in bytes.
  var writtenBytes: UInt64 = 0
  /// Clusters that share the data of another one.
  var duplicate: UInt64 = 0
  /// Unique clusters whose digest was that of another cluster (S34).
  var collisions: UInt64 = 0
  /// Clusters stored again because the stored one had all the references that it can have (S33).
  var referencesCapped: UInt64 = 0
  /// Clusters found among those still in flight, before the store was asked.
  var lookupsInFlight: UInt64 = 0
  /// Clusters whose entry named a place that holds something else by now, or nothing.
  var stale: UInt64 = 0

  /// Adds what became of the clusters of another disk.
  mutating func add(_ other: ClusterCounts) {
    unique += other.unique
    writtenBytes += other.writtenBytes
    duplicate += other.duplicate
    collisions += other.collisions
    referencesCapped += other.referencesCapped
    lookupsInFlight += other.lookupsInFlight
    stale += other.stale
  }
}
