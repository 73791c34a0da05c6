internal import DiskIO
internal import DiskImage
import Glibc
internal import QCOW2

/// Compares what the digests call duplicates byte by byte (S34): with the cluster in flight, or
/// with what the output file really holds. Each worker has one.
///
/// A store hit is only a hint; without this step a hash collision, or a bad block of the disk, would
/// become a wrong image. What differs is a *collision*: it gets room of its own, and no entry.
///
/// Duplicates that are side by side in the output as well, the usual case when a file was copied,
/// are read back in one call. A cluster can be read back only once it is written, so a comparison
/// waits for that; never for a turn.
struct DuplicateComparison {
  private let output: OpenFile
  private let written: WrittenPrefix
  /// Whether data only goes forward in the output.
  private let goesForward: Bool
  private let stored: StoredClusters

  /// Comparisons with `output`, of which `written` knows how far it is complete.
  init(
    output: OpenFile, written: WrittenPrefix, goesForward: Bool, stored: StoredClusters
  ) {
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
      } else {
        cluster = try compareRun(batch, from: cluster)
      }
    }
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
