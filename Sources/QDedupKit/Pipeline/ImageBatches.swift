internal import DiskIO
package import DiskImage
internal import Synchronization

/// The batches of an image that can be read at any place: several threads read at a time, and
/// ranges without data are passed over.
package final class ImageBatches: BatchSource {
  private struct Cursor {
    var data: DataCursor
    var ticket: UInt64 = 0
    var offset = GuestOffset(0)
  }

  private let image: any ImageSource
  private let geometry: ClusterGeometry
  private let byteCount: UInt64
  private let cursor: Mutex<Cursor>

  package init(_ image: any ImageSource, geometry: ClusterGeometry, shape: BatchShape) {
    self.image = image
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

  /// Takes the next batch of the grid that touches a data extent.
  private func claim(_ batch: Batch, _ cursor: inout Cursor) throws(ConversionError) -> Bool {
    let next = try converting(ConversionError.image) { () throws(ImageError) in
      try cursor.data.next(from: cursor.offset)
    }
    guard let next else { return false }
    batch.start = GuestOffset(next.start.bytes / byteCount * byteCount)
    let rest = geometry.clusterCount(forBytes: image.virtualSize - batch.start.bytes)
    batch.clusterCount = Int(min(rest, byteCount >> geometry.clusterBits))
    batch.ticket = cursor.ticket
    cursor.ticket += 1
    cursor.offset = GuestOffset(
      min(image.virtualSize, batch.start.bytes + UInt64(batch.bytes.count)))
    return true
  }
}
