internal import DiskIO
internal import DiskImage

/// Reads tables of an image that may be damaged: what is beyond the file's end is zeros, as it is
/// for QEMU, and what is a hole is not read.
final class TableReader {
  private let file: ImageFile
  private let buffer: AlignedBuffer

  /// - Parameters:
  ///   - file: The image.
  ///   - byteCount: How much to read at once, a multiple of 8.
  /// - Throws: `ImageError` if there is not enough memory.
  init(_ file: ImageFile, byteCount: Int) throws(ImageError) {
    self.file = file
    do { buffer = try AlignedBuffer(byteCount: byteCount, purpose: "tables") } catch {
      throw .io(error)
    }
  }

  /// Visits the bytes of a range piece by piece; pieces that are all hole are left out.
  ///
  /// - Parameters:
  ///   - offset: Where the range begins.
  ///   - byteCount: Its size.
  ///   - body: Gets where in the range a piece begins, and the piece.
  /// - Throws: What reading or `body` fails with.
  func forEachPiece(
    at offset: HostOffset, byteCount: UInt64,
    _ body: (UInt64, UnsafeRawBufferPointer) throws(ImageError) -> Void
  ) throws(ImageError) {
    let end = min(byteCount, file.size - min(file.size, offset.bytes))
    let step = UInt64(buffer.bytes.count)
    var start: UInt64 = 0
    while start < end {
      guard let data = file.nextData(from: offset.advanced(by: start)),
        data.bytes - offset.bytes < end
      else { return }
      start = (data.bytes - offset.bytes) / step * step
      let count = Int(min(step, byteCount - start))
      let piece = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<count])
      let read = try file.readSome(into: piece, at: offset.advanced(by: start))
      UnsafeMutableRawBufferPointer(rebasing: piece[read...])
        .initializeMemory(as: UInt8.self, repeating: 0)
      try body(start, UnsafeRawBufferPointer(piece))
      start += UInt64(count)
    }
  }

  /// Visits the 64-bit words of a table that are not zero.
  ///
  /// - Parameters:
  ///   - offset: Where the table begins.
  ///   - count: The number of its words.
  ///   - body: Gets the number of a word, and the word.
  /// - Throws: What reading or `body` fails with.
  func forEachWord(
    at offset: HostOffset, count: UInt64,
    _ body: (UInt64, UInt64) throws(ImageError) -> Void
  ) throws(ImageError) {
    try forEachPiece(at: offset, byteCount: count * 8) { start, bytes throws(ImageError) in
      for place in stride(from: 0, to: bytes.count, by: 8) {
        let word = bytes.loadBigEndian(UInt64.self, at: place)
        if word != 0 { try body((start + UInt64(place)) / 8, word) }
      }
    }
  }
}
