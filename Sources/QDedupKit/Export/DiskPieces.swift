package import DiskImage
internal import Synchronization

/// A part of a disk that one thread takes to the output.
package struct DiskPiece: Equatable, Sendable {
  /// Its place in the order of all pieces: 0, 1, 2 …
  package let number: UInt64
  package let range: GuestRange
  /// Whether the range may hold anything but zeros.
  package let isData: Bool
}

/// Hands out a disk, each byte once and from front to back: data in pieces of a grid, zeros between
/// them in longer ones. Any thread may ask.
package final class DiskPieces: Sendable {
  private struct Cursor {
    var number: UInt64 = 0
    var offset = GuestOffset(0)
    var data: DataCursor
  }

  private let virtualSize: UInt64
  private let pieceBytes: UInt64
  private let cursor: Mutex<Cursor>

  /// The most zeros in a piece: the writer checks between pieces whether to go on.
  private static let mostZeros: UInt64 = 64 << 20

  /// The pieces of an image; `pieceBytes` is a power of two.
  package init(_ image: any ImageSource, pieceBytes: Int) {
    virtualSize = image.virtualSize
    self.pieceBytes = UInt64(pieceBytes)
    cursor = Mutex(Cursor(data: DataCursor(image)))
  }

  /// Takes the next piece; nil if nothing is left.
  package func next() throws(ImageError) -> DiskPiece? {
    try cursor.withLock { cursor throws(ImageError) in
      let offset = cursor.offset
      guard offset.bytes < virtualSize else { return nil }
      let data = try cursor.data.next(from: offset)
      let begin = data.map { max(offset.bytes, $0.start.bytes & ~(pieceBytes - 1)) }
      let isData = begin == offset.bytes
      let end =
        isData
        ? min(virtualSize, (offset.bytes / pieceBytes + 1) * pieceBytes)
        : min(begin ?? virtualSize, offset.bytes + Self.mostZeros)
      let range = GuestRange(offset, upTo: GuestOffset(end))
      defer { (cursor.number, cursor.offset) = (cursor.number + 1, range.end) }
      return DiskPiece(number: cursor.number, range: range, isData: isData)
    }
  }
}
