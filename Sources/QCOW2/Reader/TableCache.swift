internal import DiskIO
internal import DiskImage
internal import Synchronization

/// Pieces of an image's L1 and L2 tables, the ones in use: bounded memory for tables of any size.
final class TableCache: Sendable {
  /// A piece of a table.
  struct Piece {
    /// Its 64-bit words, decoded.
    let words: [UInt64]
    /// Whether all of them are 0. Known once, because a hostile image may let millions of L1 entries
    /// lead to one empty table.
    let isEmpty: Bool
  }

  private struct State {
    /// The host offsets of the pieces, and the pieces; each use moves one towards the front.
    var offsets: [HostOffset] = []
    var pieces: [Piece] = []

    /// The piece of this place and size, moved one towards the front. A hostile image may let its L1
    /// table begin where an L2 table does, so that the place alone does not identify a piece.
    mutating func find(_ host: HostOffset, wordCount: Int) -> Piece? {
      for index in offsets.indices
      where offsets[index] == host && pieces[index].words.count == wordCount {
        guard index > 0 else { return pieces[0] }
        offsets.swapAt(index, index - 1)
        pieces.swapAt(index, index - 1)
        return pieces[index - 1]
      }
      return nil
    }
  }

  /// The most bytes of a piece, a power of two.
  static let pieceBytes = 16 << 10
  private static let capacity = 16

  private let file: ImageFile
  private let state = Mutex(State())

  init(_ file: ImageFile) {
    self.file = file
  }

  /// A piece of a table.
  ///
  /// - Parameters:
  ///   - host: Where the piece begins in the file.
  ///   - byteCount: Its size, a multiple of 8, at most `pieceBytes`.
  ///   - what: The table, for the message.
  /// - Returns: The piece.
  /// - Throws: `ImageError` if the piece is not inside the file.
  func piece(
    at host: HostOffset, byteCount: Int, _ what: @autoclosure () -> String
  ) throws(ImageError) -> Piece {
    try state.withLock { state throws(ImageError) in
      if let piece = state.find(host, wordCount: byteCount / 8) { return piece }
      let bytes = try file.bytes(byteCount, at: host, what())
      let words = bytes.withUnsafeBytes { bytes in
        (0..<bytes.count / 8).map { bytes.loadBigEndian(UInt64.self, at: $0 * 8) }
      }
      let piece = Piece(words: words, isEmpty: words.allSatisfy { $0 == 0 })
      if state.offsets.count == Self.capacity {
        state.offsets.removeLast()
        state.pieces.removeLast()
      }
      state.offsets.insert(host, at: 0)
      state.pieces.insert(piece, at: 0)
      return piece
    }
  }
}
