import Glibc
internal import DiskIO
internal import DiskImage
internal import QCOW2

/// Writes the clusters of placed batches that got host clusters of their own.
struct BatchWriter: ~Copyable {
  private let output: AtomicFile
  private let pieces: UnsafeMutableBufferPointer<iovec>

  /// Writes to `output`, at most `clusterCount` clusters a batch.
  init(output: AtomicFile, clusterCount: Int) {
    self.output = output
    pieces = .allocate(capacity: clusterCount)
  }

  deinit { pieces.deallocate() }

  /// Writes a batch in as few and as large writes as its host clusters allow.
  func write(_ batch: Batch) throws(IOError) {
    let size = batch.geometry.clusterSize
    var (count, start, next) = (0, UInt64(0), UInt64(0))
    for cluster in 0..<batch.clusterCount {
      let kind = batch.plans[cluster].kind
      guard kind == .unique || kind == .collision else { continue }
      let host = batch.places[cluster].host.bytes
      if host != next {
        try flush(count, at: start)
        (count, start) = (0, host)
      }
      append(batch.address(cluster), size, to: &count)
      next = host + UInt64(size)
    }
    try flush(count, at: start)
  }

  /// Adds memory to the run, joining what stands side by side.
  private func append(_ address: UnsafeMutableRawPointer, _ size: Int, to count: inout Int) {
    if count > 0, pieces[count - 1].iov_base + pieces[count - 1].iov_len == address {
      pieces[count - 1].iov_len += size
    } else {
      pieces[count] = iovec(iov_base: address, iov_len: size)
      count += 1
    }
  }

  private func flush(_ count: Int, at offset: UInt64) throws(IOError) {
    try output.file.write(
      gathering: UnsafeMutableBufferPointer(rebasing: pieces[..<count]), at: offset)
  }
}
