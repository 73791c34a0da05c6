internal import DiskIO
internal import DiskImage
import Glibc
internal import QCOW2

/// Compares what the digests call duplicates byte by byte (S34). Each worker has one.
///
/// A store hit is only a hint; without this step a hash collision, or a bad block of the disk, would
/// become a wrong image. What differs is a *collision*: it gets room of its own, and no entry.
///
/// What a cluster is compared with:
///
/// | its original is | it is compared with |
/// |---|---|
/// | in flight | the original's bytes in memory |
/// | compressed, and the input can give once more what it was made of (`ImageSource.reread`) | \
/// that guest cluster, once the output's own L2 entry says that it is mapped to the place that the \
/// store names: restoring the data takes longer |
/// | anything else | what the output file really holds there |
///
/// Duplicates that are side by side in the output as well, the usual case when a file was copied,
/// are read back in one call. A cluster can be read back only once it is written, so a comparison
/// waits for that; never for a turn.
struct DuplicateComparison {
  private let source: any BatchSource
  private let output: OpenFile
  private let written: WrittenPrefix
  /// Whether data only goes forward in the output.
  private let goesForward: Bool
  private let stored: StoredClusters

  /// Comparisons with what `source` gave, and with `output`, of which `written` knows how far it is
  /// complete.
  init(
    source: any BatchSource, output: OpenFile, written: WrittenPrefix, goesForward: Bool,
    stored: StoredClusters
  ) {
    self.source = source
    self.output = output
    self.written = written
    self.goesForward = goesForward
    self.stored = stored
  }

  /// Compares all duplicates of a resolved batch and marks those that differ as collisions.
  func compare(_ batch: Batch) throws(ConversionError) {
    var cluster = 0
    while cluster < batch.clusterCount {
      guard batch.plans[cluster].kind == .duplicate else {
        cluster += 1
        continue
      }
      if let originalBytes = batch.plans[cluster].originalBytes {
        if memcmp(originalBytes, batch.address(cluster), batch.geometry.clusterSize) != 0 {
          batch.plans[cluster].kind = .collision
        }
        cluster += 1
      } else if let next = try compareWithInput(batch, from: cluster) {
        cluster = next
      } else {
        cluster = try compareRun(batch, from: cluster)
      }
    }
  }

  /// Compares the duplicates from `first` on whose originals are side by side on the disk with what
  /// the input has there.
  ///
  /// - Returns: The first cluster after them; nil if `first` cannot be compared this way.
  private func compareWithInput(
    _ batch: Batch, from first: Int
  ) throws(ConversionError) -> Int? {
    let next = try firstOtherwiseMapped(batch, from: first)
    let size = batch.geometry.clusterSize
    let originals = UnsafeMutableRawBufferPointer(rebasing: stored.room[..<((next - first) * size)])
    guard next > first, source.reread(into: originals, at: batch.places[first].owner) else {
      return nil
    }
    for cluster in first..<next {
      let original = originals.baseAddress! + (cluster - first) * size
      if memcmp(original, batch.address(cluster), size) != 0 {
        batch.plans[cluster].kind = .collision
      }
    }
    return next
  }

  /// The first cluster from `first` on that is no duplicate of the guest cluster after the original
  /// before it, or whose original is not mapped to where the store says: by the output's L2 entries,
  /// which say where a guest finds it.
  private func firstOtherwiseMapped(
    _ batch: Batch, from first: Int
  ) throws(ConversionError) -> Int {
    guard let entries = batch.places[first].ownerEntry else { return first }
    let (owner, size) = (batch.places[first].owner.bytes, UInt64(batch.geometry.clusterSize))
    var next = first + 1
    while next < batch.clusterCount, batch.plans[next].kind == .duplicate,
      batch.plans[next].originalBytes == nil,
      batch.places[next].owner.bytes == owner + UInt64(next - first) * size,
      batch.places[next].ownerEntry?.bytes == entries.bytes + UInt64(next - first) * 8
    {
      next += 1
    }
    let read = UnsafeMutableRawBufferPointer(rebasing: stored.room[..<((next - first) * 8)])
    do { try output.file.readExactly(into: read, at: entries.bytes) } catch { throw .io(error) }
    return (first..<next).first { cluster in
      let entry = UnsafeRawBufferPointer(read).loadBigEndian(UInt64.self, at: (cluster - first) * 8)
      return entry != batch.places[cluster].mapping!.entry
    } ?? next
  }

  /// Compares the duplicates from `first` on that are side by side in the output too.
  ///
  /// - Returns: The first cluster after them.
  private func compareRun(_ batch: Batch, from first: Int) throws(ConversionError) -> Int {
    var run = StoredClusters.Run(batch.places[first].mapping!, batch.geometry)
    var next = first + 1
    while next < batch.clusterCount, batch.plans[next].kind == .duplicate,
      batch.plans[next].originalBytes == nil,
      run.extend(by: batch.places[next].mapping!, upTo: stored.capacity)
    {
      next += 1
    }
    try waitUntilWritten(run, batch, first..<next)
    try stored.load(run, from: output)
    for cluster in first..<next {
      let mapping = batch.places[cluster].mapping!
      let isOld = batch.plans[cluster].isOld
      if try !stored.holds(batch.address(cluster), at: mapping, of: output, isOld: isOld) {
        batch.plans[cluster].kind = .collision
      }
    }
    return next
  }

  /// Waits until the data of a run is in the file.
  private func waitUntilWritten(
    _ run: StoredClusters.Run, _ batch: Batch, _ clusters: Range<Int>
  ) throws(ConversionError) {
    // What has the first byte of a cluster has all of it: a write covers whole clusters.
    if goesForward { return try written.wait(for: run.lastStart) }
    // New data may be anywhere, but it got its room before this batch was resolved.
    if clusters.allSatisfy({ batch.plans[$0].isOld }) || batch.lastWriteBefore < 0 { return }
    try written.wait(forWrite: batch.lastWriteBefore)
  }
}
