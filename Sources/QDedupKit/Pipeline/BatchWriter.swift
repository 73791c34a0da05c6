import Glibc
internal import DiskIO
internal import DiskImage
internal import QCOW2

/// Writes the data of placed batches that is not in the output yet: what is unique, as it is or
/// compressed.
struct BatchWriter: ~Copyable {
  private let output: AtomicFile
  private let pieces: UnsafeMutableBufferPointer<iovec>

  /// Writes to `output`, at most `clusterCount` clusters a batch.
  init(output: AtomicFile, clusterCount: Int) {
    self.output = output
    pieces = .allocate(capacity: clusterCount)
  }

  deinit { pieces.deallocate() }

  /// Writes a batch in as few and as large writes as its places in the output allow.
  func write(_ batch: Batch) throws(IOError) {
    var (count, start, next) = (0, UInt64(0), UInt64(0))
    var compressed = 0
    for cluster in 0..<batch.clusterCount {
      let plan = batch.plans[cluster]
      guard plan.kind == .unique || plan.kind == .collision else { continue }
      let host = batch.places[cluster].mapping!.host(batch.geometry).bytes
      if host != next {
        try flush(count, at: start)
        (count, start) = (0, host)
      }
      if plan.compressedSize == 0 {
        append(batch.address(cluster), batch.geometry.clusterSize, to: &count)
        next = host + UInt64(batch.geometry.clusterSize)
      } else {
        let data = batch.compressed.bytes.baseAddress! + compressed
        append(data, plan.compressedSize, to: &count)
        next = host + UInt64(plan.compressedSize)
      }
      compressed += plan.compressedSize
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
