package import DiskImage
internal import DiskIO
internal import Synchronization

/// Where the pipeline gets its batches from. Any thread may ask.
///
/// A batch's range and its ticket are decided together, under the source's lock, so that tickets
/// are in guest order. What may take long, reading an image, happens outside of that lock.
package protocol BatchSource: Sendable {
  /// Fills the next batch that may hold data, and gives it its ticket.
  ///
  /// - Parameter batch: An idle batch.
  /// - Returns: False if there is nothing left; the batch is then as it was.
  /// - Throws: `ConversionError` if the input cannot be read.
  func fill(_ batch: Batch) throws(ConversionError) -> Bool

  /// Reads bytes of the disk once more, if they are sure to be the same and that takes no more than a
  /// copy.
  ///
  /// - Parameters:
  ///   - buffer: Where the bytes go.
  ///   - offset: The guest offset of the first byte.
  /// - Returns: Whether they were read; if not, what is in `buffer` has no meaning.
  func reread(into buffer: UnsafeMutableRawBufferPointer, at offset: GuestOffset) -> Bool

  /// The size of the disk in bytes; final once `fill` has returned false.
  var virtualSize: UInt64 { get }

  /// The bytes of input that have been read or skipped; final like `virtualSize`.
  var fileSize: UInt64 { get }
}

/// The batches of an image that can be read at any place: several threads read at a time, and
/// ranges without data are skipped.
package final class ImageBatches: BatchSource {
  private struct Cursor {
    var data: DataCursor
    var ticket: UInt64 = 0
    var offset = GuestOffset(0)
  }

  private let image: any ImageSource
  private let geometry: ClusterGeometry
  private let byteCount: UInt64
  private let mayChange: Bool
  private let cursor: Mutex<Cursor>

  /// The batches of `image` on the grid of `shape`; whether it `mayChange` on the way.
  package init(
    _ image: any ImageSource, geometry: ClusterGeometry, shape: BatchShape, mayChange: Bool = false
  ) {
    self.image = image
    self.mayChange = mayChange
    self.geometry = geometry
    byteCount = UInt64(shape.byteCount)
    cursor = Mutex(Cursor(data: DataCursor(image)))
  }

  package var virtualSize: UInt64 { image.virtualSize }
  package var fileSize: UInt64 { image.fileSize }

  package func fill(_ batch: Batch) throws(ConversionError) -> Bool {
    let claimed = try cursor.withLock { cursor throws(ConversionError) in
      try claim(batch, &cursor)
    }
    if claimed {
      try converting(ConversionError.image) { () throws(ImageError) in
        try image.read(into: batch.bytes, at: batch.start)
      }
    }
    return claimed
  }

  package func reread(
    into buffer: UnsafeMutableRawBufferPointer, at offset: GuestOffset
  ) -> Bool {
    !mayChange && image.reread(into: buffer, at: offset)
  }

  /// Takes the next batch of the grid that touches a data extent.
  private func claim(_ batch: Batch, _ cursor: inout Cursor) throws(ConversionError) -> Bool {
    let next = try converting(ConversionError.image) { () throws(ImageError) in
      try cursor.data.next(from: cursor.offset)
    }
    guard let next else { return false }
    let start = GuestOffset(next.start.bytes / byteCount * byteCount)
    let rest = geometry.clusterCount(forBytes: image.virtualSize - start.bytes)
    let clusterCount = Int(min(rest, byteCount >> geometry.clusterBits))
    batch.assign(ticket: cursor.ticket, start: start, clusterCount: clusterCount)
    cursor.ticket += 1
    cursor.offset = min(GuestOffset(image.virtualSize), batch.end)
    return true
  }
}

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

  /// The batches of what comes through `pipe`, until it ends or `isCancelled`.
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

  /// Never: what came through a pipe is gone.
  package func reread(
    into buffer: UnsafeMutableRawBufferPointer, at offset: GuestOffset
  ) -> Bool { false }

  private func fill(_ batch: Batch, _ cursor: inout Cursor) throws(ConversionError) -> Bool {
    guard !cursor.hasEnded else { return false }
    let start = GuestOffset(cursor.pipe.byteCount)
    let pipe = cursor.pipe
    let count = try converting(ConversionError.image) { () throws(ImageError) in
      try pipe.read(into: batch.room)
    }
    // A pipe that was cancelled seems to end: its data must not pass for the whole.
    if isCancelled() { throw .interrupted }
    cursor.hasEnded = count < batch.room.count
    guard count > 0 else { return false }
    batch.assign(
      ticket: cursor.ticket, start: start,
      clusterCount: Int(geometry.clusterCount(forBytes: UInt64(count))))
    cursor.ticket += 1
    UnsafeMutableRawBufferPointer(rebasing: batch.bytes[count...]).initializeMemory(
      as: UInt8.self, repeating: 0)
    return true
  }
}

extension OpenedInput {
  /// The batches that the input consists of.
  func batches(
    _ geometry: ClusterGeometry, _ shape: BatchShape, _ progress: Progress
  ) -> any BatchSource {
    switch source {
    case .image(let image):
      ImageBatches(image, geometry: geometry, shape: shape, mayChange: allowsChanges)
    case .pipe(let pipe):
      PipeBatches(pipe, geometry: geometry) { progress.isStopping }
    }
  }
}
