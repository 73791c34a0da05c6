import Glibc
internal import DiskIO
internal import DiskImage
internal import QCOW2

/// Compares what the digests call duplicates byte by byte (S34): with the cluster in flight, or
/// with what the output file really holds.
struct Verification: ~Copyable {
  private let output: AtomicFile
  private let written: WrittenPrefix
  private let scratch: AlignedBuffer

  /// Comparisons against `output`, of which `written` knows how far it is complete.
  init(
    output: AtomicFile, written: WrittenPrefix, byteCount: Int
  ) throws(IOError) {
    self.output = output
    self.written = written
    scratch = try AlignedBuffer(byteCount: byteCount, purpose: "clusters to compare with")
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
        let end = endOfRun(batch, from: cluster)
        try verifyStored(batch, cluster..<end)
        cluster = end
      }
    }
  }

  /// The end of the run of duplicates that stand side by side in the output too.
  private func endOfRun(_ batch: Batch, from first: Int) -> Int {
    var next = first + 1
    let size = UInt64(batch.geometry.clusterSize)
    while next < batch.clusterCount, batch.plans[next].kind == .duplicate,
      batch.plans[next].original == nil,
      batch.places[next].host.bytes == batch.places[next - 1].host.bytes + size
    {
      next += 1
    }
    return next
  }

  /// Compares a run with the output, at first as a whole.
  private func verifyStored(_ batch: Batch, _ run: Range<Int>) throws(ConversionError) {
    let size = batch.geometry.clusterSize
    let host = batch.places[run.lowerBound].host.bytes
    let stored = UnsafeMutableRawBufferPointer(rebasing: scratch.bytes[..<(run.count * size)])
    try written.wait(until: host + UInt64(stored.count))
    try converting(ConversionError.io) { () throws(IOError) in
      try output.file.readExactly(into: stored, at: host)
    }
    if memcmp(stored.baseAddress!, batch.address(run.lowerBound), stored.count) == 0 { return }
    for (index, cluster) in run.enumerated()
    where memcmp(stored.baseAddress! + index * size, batch.address(cluster), size) != 0 {
      batch.plans[cluster].kind = .collision
    }
  }
}
