package import DiskImage
internal import Synchronization

/// The batches of an image that comes through a pipe: one thread reads at a time.
package final class PipeBatches: BatchSource {
  private struct Cursor {
    let pipe: PipeImage
    var ticket: UInt64 = 0
    var hasEnded = false
  }

  private let geometry: ClusterGeometry
  private let isCancelled: @Sendable () -> Bool
  private let cursor: Mutex<Cursor>

  package init(
    _ pipe: PipeImage, geometry: ClusterGeometry, isCancelled: @escaping @Sendable () -> Bool
  ) {
    self.geometry = geometry
    self.isCancelled = isCancelled
    cursor = Mutex(Cursor(pipe: pipe))
  }

  package var fileSize: UInt64 { cursor.withLock { $0.pipe.byteCount } }
  package var virtualSize: UInt64 { (fileSize + 511) & ~511 }

  package func fill(_ batch: Batch) throws(ConversionError) -> Bool {
    try cursor.withLock { cursor throws(ConversionError) in try fill(batch, &cursor) }
  }

  private func fill(_ batch: Batch, _ cursor: inout Cursor) throws(ConversionError) -> Bool {
    guard !cursor.hasEnded else { return false }
    batch.start = GuestOffset(cursor.pipe.byteCount)
    batch.clusterCount = batch.capacity >> geometry.clusterBits
    let pipe = cursor.pipe
    let count = try converting(ConversionError.image) { () throws(ImageError) in
      try pipe.read(into: batch.bytes)
    }
    // A pipe that was cancelled seems to end: its data must not pass for the whole.
    if isCancelled() { throw .interrupted }
    cursor.hasEnded = count < batch.bytes.count
    guard count > 0 else { return false }
    UnsafeMutableRawBufferPointer(rebasing: batch.bytes[count...]).initializeMemory(
      as: UInt8.self, repeating: 0)
    batch.clusterCount = Int(geometry.clusterCount(forBytes: UInt64(count)))
    batch.ticket = cursor.ticket
    cursor.ticket += 1
    return true
  }
}
