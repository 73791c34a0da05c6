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
  private let output: AtomicFile
  private let written: WrittenPrefix
  private let stored: StoredClusters

  /// Comparisons with `output`, of which `written` knows how far it is complete.
  init(output: AtomicFile, written: WrittenPrefix, stored: StoredClusters) {
    self.output = output
    self.written = written
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
    // What has the first byte of a cluster has all of it: a write covers whole clusters.
    try written.wait(for: run.lastStart)
    try stored.load(run, from: output)
    for cluster in first..<next {
      let mapping = batch.places[cluster].mapping!
      if try !stored.holds(batch.address(cluster), at: mapping, of: output) {
        batch.plans[cluster].kind = .collision
      }
    }
    return next
  }
}
