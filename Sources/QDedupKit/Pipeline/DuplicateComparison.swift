import Glibc
internal import DiskIO
internal import DiskImage
internal import QCOW2

/// Compares what the digests call duplicates byte by byte (S34): with the cluster in flight, or
/// with what the output file really holds. Each worker has one.
struct DuplicateComparison {
  private let output: AtomicFile
  private let written: WrittenPrefix
  private let stored: StoredClusters

  /// Comparisons against `output`, of which `written` knows how far it is complete.
  init(output: AtomicFile, written: WrittenPrefix, stored: StoredClusters) {
    self.output = output
    self.written = written
    self.stored = stored
  }

  /// Checks all duplicates of a batch and marks those that differ as collisions.
  func verify(_ batch: Batch) throws(ConversionError) {
    var cluster = 0
    while cluster < batch.clusterCount {
      guard batch.plans[cluster].kind == .duplicate else {
        cluster += 1
        continue
      }
      if let original = batch.plans[cluster].original {
        if memcmp(original, batch.address(cluster), batch.geometry.clusterSize) != 0 {
          batch.plans[cluster].kind = .collision
        }
        cluster += 1
      } else {
        cluster = try verifyRun(batch, from: cluster)
      }
    }
  }

  /// Compares the duplicates from `first` on that stand side by side in the output too.
  ///
  /// - Returns: The first cluster behind them.
  private func verifyRun(_ batch: Batch, from first: Int) throws(ConversionError) -> Int {
    var run = StoredClusters.Run(batch.places[first].mapping!, batch.geometry)
    var next = first + 1
    while next < batch.clusterCount, batch.plans[next].kind == .duplicate,
      batch.plans[next].original == nil,
      run.extend(by: batch.places[next].mapping!, upTo: stored.capacity)
    {
      next += 1
    }
    try written.wait(until: run.lastStart + 1)
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
