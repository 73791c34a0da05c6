internal import DedupStore
internal import DiskImage
internal import QCOW2

/// The ordered part of a conversion: it sees all batches with data in guest order, twice.
///
/// `resolve` looks a batch's clusters up. `place`, a fixed number of batches later, maps all of
/// them. Between the two, workers compare bytes and compress. Unique clusters get their host cluster
/// and their entry in the store as soon as their size is known: in a plain image in `resolve`, where
/// the processor has their bytes at hand for writing them; in a compressed one in `place`. Because
/// the number of batches between is fixed, what a lookup sees does not depend on the timing of
/// threads.
///
/// One thread at a time uses it: the one that holds the pipeline's turn.
final class Sequencer {
  private let writer: ImageWriter
  private let store: HashStore
  private let maxReferences: UInt32
  private let isCompressed: Bool
  /// The unique clusters that have no place yet; always empty in a plain image.
  private let index: InFlightIndex
  private(set) var counts = ClusterCounts()
  /// The end of the data that was placed last: data goes forward in the output.
  private(set) var dataEnd: UInt64 = 0

  init(
    writer: ImageWriter, store: HashStore, shape: BatchShape, maxReferences: UInt32
  ) {
    isCompressed = shape.isCompressed
    self.writer = writer
    self.store = store
    self.maxReferences = maxReferences
    let perBatch = shape.byteCount >> writer.geometry.clusterBits
    index = InFlightIndex(capacity: isCompressed ? (shape.lag + 1) * perBatch : 0)
  }

  /// How many clusters ahead the store is told what will be looked up.
  private static let lookahead = 3

  /// Checks that the disk may reach to a batch's end, which nobody knows beforehand of a pipe.
  func check(_ batch: Batch) throws(ConversionError) {
    try converting(ConversionError.writer) { () throws(ImageWriterError) in
      try writer.check(virtualSize: batch.guestOffset(batch.clusterCount).bytes)
    }
  }

  /// Looks up all clusters of a batch and notes what each of them is (S22, S33).
  func resolve(_ batch: Batch) throws(ConversionError) {
    batch.writes.removeAll()
    for cluster in 0..<Self.lookahead { prefetch(batch, cluster) }
    for cluster in 0..<batch.clusterCount {
      prefetch(batch, cluster + Self.lookahead)
      if batch.plans[cluster].kind == .zero { continue }
      let digest = batch.plans[cluster].digest
      if isCompressed, joinInFlight(digest, batch, cluster) { continue }
      if try joinStored(digest, batch, cluster) { continue }
      batch.plans[cluster].kind = .unique
      batch.places[cluster] = ClusterPlace(
        mapping: nil, owner: batch.guestOffset(cluster), references: 1, original: nil)
      if isCompressed {
        index.insert(
          .init(
            digest: digest, place: batch.places + cluster, bytes: batch.address(cluster)))
      } else {
        try placeUnique(batch, cluster)
      }
    }
  }

  /// Tells the store that a cluster will be looked up soon, if there is such a cluster with data.
  private func prefetch(_ batch: Batch, _ cluster: Int) {
    guard cluster < batch.clusterCount, batch.plans[cluster].kind != .zero else { return }
    store.prefetch(batch.plans[cluster].digest)
  }

  /// Shares a cluster that is still in flight, unless there is none or its references are used up.
  private func joinInFlight(_ digest: Digest, _ batch: Batch, _ cluster: Int) -> Bool {
    guard let entry = index.find(digest), let original = entry.place else { return false }
    guard original.pointee.references < maxReferences else {
      counts.referencesCapped += 1
      return false
    }
    original.pointee.references += 1
    counts.lookupsInFlight += 1
    batch.plans[cluster].kind = .duplicate
    batch.plans[cluster].original = entry.bytes
    batch.places[cluster] = ClusterPlace(
      mapping: nil, owner: original.pointee.owner, references: 0, original: original)
    return true
  }

  /// Shares a cluster that the store knows, unless there is none or its references are used up.
  private func joinStored(
    _ digest: Digest, _ batch: Batch, _ cluster: Int
  ) throws(ConversionError) -> Bool {
    let found = try converting(ConversionError.store) { () throws(StoreError) in
      try store.lookup(digest)
    }
    guard let entry = found?.entry else { return false }
    let mapping = ClusterMapping(physicalSector: entry.physicalSector)
    // What was read back from the file names no data of this image only if the disk is at fault; then
    // nobody would write it, and a comparison would wait for ever.
    guard mapping.isCompressed == isCompressed, mapping.host(writer.geometry).bytes < dataEnd
    else { return false }
    let owner = GuestOffset(entry.firstLogicalSector << 9)
    guard writer.references(to: mapping) < maxReferences else {
      _ = try converting(ConversionError.store) { () throws(StoreError) in
        try store.remove(entry)
      }
      counts.referencesCapped += 1
      return false
    }
    writer.addReferences(1, to: mapping, mappedFrom: owner)
    batch.plans[cluster].kind = .duplicate
    batch.plans[cluster].original = nil
    batch.places[cluster] = ClusterPlace(
      mapping: mapping, owner: owner, references: 0, original: nil)
    return true
  }

  /// Gives room in the output to what has none yet in a batch and maps all its clusters. What has
  /// been in its list of writes before has been written.
  func place(_ batch: Batch) throws(ConversionError) {
    batch.writes.removeAll()
    for cluster in 0..<batch.clusterCount {
      switch batch.plans[cluster].kind {
      case .zero:
        continue
      case .unique:
        if isCompressed { try placeInFlight(batch, cluster) }
      case .duplicate:
        placeDuplicate(batch, cluster)
      case .collision:
        try placeCollision(batch, cluster)
      }
      try map(batch.guestOffset(cluster), to: batch.places[cluster].mapping!)
    }
  }

  private func placeInFlight(_ batch: Batch, _ cluster: Int) throws(ConversionError) {
    // Superseded in the index: its references are used up, and its hash is dropped (S33).
    if index.remove(batch.plans[cluster].digest, place: batch.places + cluster) {
      try placeUnique(batch, cluster)
    } else {
      try store(batch, cluster, references: batch.places[cluster].references)
    }
  }

  /// Gives room to a cluster, and makes it known to the store.
  private func placeUnique(_ batch: Batch, _ cluster: Int) throws(ConversionError) {
    let place = batch.places[cluster]
    let mapping = try store(batch, cluster, references: place.references)
    let entry = StoreEntry(
      digest: batch.plans[cluster].digest, physicalSector: mapping.physicalSector,
      firstLogicalSector: place.owner.bytes / 512)
    try converting(ConversionError.store) { () throws(StoreError) in try store.insert(entry) }
  }

  private func placeDuplicate(_ batch: Batch, _ cluster: Int) {
    if let original = batch.places[cluster].original {
      batch.places[cluster].mapping = original.pointee.mapping
    }
    counts.duplicate += 1
  }

  /// Gives a place of its own to a cluster that only seemed to be a duplicate (S34).
  private func placeCollision(_ batch: Batch, _ cluster: Int) throws(ConversionError) {
    let place = batch.places[cluster]
    let seeming = place.original.map { $0.pointee.mapping } ?? place.mapping
    writer.removeReference(to: seeming!, mappedFrom: place.owner)
    try store(batch, cluster, references: 1)
    counts.collisions += 1
  }

  /// Gives room to the data of one cluster, compressed if it has been, and has it written.
  @discardableResult
  private func store(
    _ batch: Batch, _ cluster: Int, references: UInt32
  ) throws(ConversionError) -> ClusterMapping {
    let content = batch.content(cluster)
    let mapping = try converting(ConversionError.writer) { () throws(ImageWriterError) in
      isCompressed
        ? try writer.allocate(
          compressedBytes: content.count, references: references, limit: maxReferences)
        : ClusterMapping(standard: try writer.allocate())
    }
    writer.addReferences(references, to: mapping)
    batch.places[cluster].mapping = mapping
    let host = mapping.host(writer.geometry)
    batch.writes.append(content, at: host)
    dataEnd = host.bytes + UInt64(content.count)
    counts.unique += 1
    counts.writtenBytes += UInt64(content.count)
    return mapping
  }

  private func map(
    _ guest: GuestOffset, to mapping: ClusterMapping
  ) throws(ConversionError) {
    try converting(ConversionError.writer) { () throws(ImageWriterError) in
      try writer.map(guest, to: mapping)
    }
  }
}
