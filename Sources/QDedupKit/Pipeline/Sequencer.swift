internal import DedupStore
internal import DiskImage
internal import QCOW2

/// The ordered part of a conversion: it sees all batches with data in guest order, twice.
///
/// 1. `resolve` looks a batch's clusters up: each becomes zero, unique or a duplicate.
/// 2. Between the two, outside of this type, workers compare bytes and compress; a duplicate that
///    differs becomes a collision.
/// 3. `place`, a fixed number of batches later (the lag), maps all of its clusters.
///
/// Unique clusters get their room in the output and their entry in the store as soon as their size is
/// known: in a plain image in `resolve`, while the processor has their bytes at hand for writing
/// them; in a compressed one in `place`. So there are two types, `PlainSequencer` and
/// `CompressedSequencer`, on one ledger. Because the lag is fixed, what a lookup sees does not depend
/// on the timing of threads, and neither does the output.
///
/// One thread at a time uses it: the one that holds the pipeline's turn. What it does in a turn has
/// to be short, because all other workers may be waiting: no reading or writing but what the store
/// needs for a freeze or a hit in an old incarnation.
protocol Sequencer: AnyObject {
  /// What is in the output so far.
  var ledger: OutputLedger { get }

  /// Looks up all clusters of a filled batch and notes what each of them is (S22, S33).
  func resolve(_ batch: Batch) throws(ConversionError)

  /// Gives room in the output to what has none yet in a prepared batch and maps all its clusters.
  /// What has been in its list of writes before has been written.
  func place(_ batch: Batch) throws(ConversionError)
}

/// The ordered part for clusters that are stored as they are: all have one size, so the unique ones
/// get their room at once, and none is ever in flight.
final class PlainSequencer: Sequencer {
  let ledger: OutputLedger

  /// A sequencer that has seen no batch yet.
  init(_ ledger: OutputLedger) {
    self.ledger = ledger
  }

  func resolve(_ batch: Batch) throws(ConversionError) {
    batch.move(to: .resolved)
    batch.writes.removeAll()
    for cluster in 0..<OutputLedger.lookahead { ledger.prefetch(batch, cluster) }
    for cluster in 0..<batch.clusterCount {
      ledger.prefetch(batch, cluster + OutputLedger.lookahead)
      if batch.plans[cluster].kind == .zero { continue }
      if try ledger.joinStored(batch, cluster) { continue }
      ledger.becomeUnique(batch, cluster)
      try ledger.putUnique(batch, cluster, room(batch, cluster))
    }
  }

  func place(_ batch: Batch) throws(ConversionError) {
    batch.move(to: .placed)
    batch.writes.removeAll()
    for cluster in 0..<batch.clusterCount {
      switch batch.plans[cluster].kind {
      case .zero: continue
      case .data: preconditionFailure("a cluster was placed before it was looked up")
      case .unique: break
      case .copy: ledger.put(batch, cluster, try room(batch, cluster), references: 1)
      case .duplicate: ledger.counts.duplicate += 1
      case .collision:
        try ledger.putInstead(batch, cluster, room(batch, cluster))
      }
      try ledger.map(batch, cluster)
    }
  }

  /// A host cluster of its own for one guest cluster.
  private func room(_ batch: Batch, _ cluster: Int) throws(ConversionError) -> ClusterMapping {
    let guest = batch.guestOffset(cluster)
    return try converting(ConversionError.writer) { () throws(ImageWriterError) in
      ClusterMapping(standard: try ledger.writer.allocateData(for: guest))
    }
  }
}

/// The ordered part for compressed clusters: how much room the unique ones need is known only when
/// they are prepared. Until then they are in flight, and found through an index of their own.
final class CompressedSequencer: Sequencer {
  let ledger: OutputLedger
  /// The unique clusters that have no room yet, the youngest of each digest.
  private var index: InFlightIndex

  /// A sequencer that has seen no batch yet, for batches of this shape.
  init(_ ledger: OutputLedger, _ shape: BatchShape) {
    self.ledger = ledger
    let perBatch = shape.byteCount >> ledger.writer.geometry.clusterBits
    index = InFlightIndex(capacity: (shape.lag + 1) * perBatch)
  }

  func resolve(_ batch: Batch) throws(ConversionError) {
    batch.move(to: .resolved)
    batch.writes.removeAll()
    for cluster in 0..<OutputLedger.lookahead { ledger.prefetch(batch, cluster) }
    for cluster in 0..<batch.clusterCount {
      ledger.prefetch(batch, cluster + OutputLedger.lookahead)
      if batch.plans[cluster].kind == .zero || joinInFlight(batch, cluster) { continue }
      if try ledger.joinStored(batch, cluster) { continue }
      ledger.becomeUnique(batch, cluster)
      index.insert(
        .init(
          digest: batch.plans[cluster].digest, place: batch.placePointer(cluster),
          bytes: batch.address(cluster)))
    }
  }

  /// Shares a cluster that is in flight, unless there is none or its references are used up.
  private func joinInFlight(_ batch: Batch, _ cluster: Int) -> Bool {
    guard let entry = index.find(batch.plans[cluster].digest), let originalPlace = entry.place
    else { return false }
    guard originalPlace.pointee.references < ledger.maxReferences else {
      ledger.counts.referencesCapped += 1
      return false
    }
    originalPlace.pointee.references += 1
    ledger.counts.lookupsInFlight += 1
    batch.plans[cluster].kind = .duplicate
    batch.plans[cluster].originalBytes = entry.bytes
    batch.places[cluster] = ClusterPlace(
      mapping: nil, owner: originalPlace.pointee.owner, references: 0,
      originalPlace: originalPlace)
    return true
  }

  func place(_ batch: Batch) throws(ConversionError) {
    batch.move(to: .placed)
    batch.writes.removeAll()
    for cluster in 0..<batch.clusterCount {
      switch batch.plans[cluster].kind {
      case .zero: continue
      case .data: preconditionFailure("a cluster was placed before it was looked up")
      case .unique: try placeUnique(batch, cluster)
      case .copy: preconditionFailure("compressed data is never at its own place")
      case .duplicate: placeDuplicate(batch, cluster)
      case .collision:
        try ledger.putInstead(batch, cluster, room(batch, cluster, references: 1))
      }
      try ledger.map(batch, cluster)
    }
  }

  private func placeUnique(_ batch: Batch, _ cluster: Int) throws(ConversionError) {
    let references = batch.places[cluster].references
    let mapping = try room(batch, cluster, references: references)
    // Superseded in the index: its references are used up, and its hash is dropped (S33).
    if index.remove(batch.plans[cluster].digest, place: batch.placePointer(cluster)) {
      try ledger.putUnique(batch, cluster, mapping)
    } else {
      ledger.put(batch, cluster, mapping, references: references)
    }
  }

  private func placeDuplicate(_ batch: Batch, _ cluster: Int) {
    if let originalPlace = batch.places[cluster].originalPlace {
      batch.places[cluster].mapping = originalPlace.pointee.mapping
    }
    ledger.counts.duplicate += 1
  }

  /// Room for the compressed data of one cluster, directly after the data before it.
  private func room(
    _ batch: Batch, _ cluster: Int, references: UInt32
  ) throws(ConversionError) -> ClusterMapping {
    let byteCount = batch.content(cluster).count
    return try converting(ConversionError.writer) { () throws(ImageWriterError) in
      try ledger.writer.allocate(
        compressedBytes: byteCount, references: references, limit: ledger.maxReferences)
    }
  }
}
