internal import DiskIO
package import DiskImage
internal import Synchronization

/// Takes all of a disk to an output, with several threads.
///
/// Each worker takes a piece, reads it into memory of its own, sets zeros apart and writes. To a
/// sequential output it waits for its turn to write: the pieces that are ready by then are as many
/// as there are workers, and no more.
package final class DiskTransfer: Sendable {
  private struct Turns {
    var next: UInt64 = 0
    var failure: ConversionError?
  }

  private let image: any ImageSource
  private let output: any DiskOutput
  private let pieces: DiskPieces
  private let pieceBytes: Int
  private let writeBack: WriteBack?
  private let progress: Progress
  private let turns = Monitor(Turns())
  private let written = Atomic<UInt64>(0)

  /// How many bytes were written as they are; all others are zeros.
  package var writtenBytes: UInt64 {
    output.isSequential ? image.virtualSize : written.load(ordering: .relaxed)
  }

  /// - Parameters:
  ///   - image: The disk.
  ///   - output: Where it goes.
  ///   - writeBack: Is told what has been written to the output.
  ///   - progress: Where to count, and to be told to stop.
  package init(
    _ image: any ImageSource, to output: any DiskOutput, writeBack: WriteBack? = nil,
    progress: Progress
  ) {
    self.image = image
    self.output = output
    self.writeBack = writeBack
    self.progress = progress
    pieceBytes = max(Self.preferredSize, image.clusterBytes)
    pieces = DiskPieces(image, pieceBytes: pieceBytes)
  }

  /// Small enough to stay in a processor's cache from reading to writing, large enough that system
  /// calls do not count.
  private static let preferredSize = 256 << 10
  /// The most memory for all that is on its way.
  private static let bufferSize = 64 << 20

  /// Runs to the disk's end.
  ///
  /// - Parameter threads: How many threads restore data at a time.
  /// - Throws: The first error of any worker.
  package func run(threads: Int) throws(ConversionError) {
    // One worker of a sequential output is most often writing.
    let wanted = threads + (output.isSequential ? 1 : 0)
    let most = max(1, Self.bufferSize / (pieceBytes + image.bytesPerReader))
    WorkerThread.runAll(min(wanted, most), onFailure: fail) { [self] () throws(ConversionError) in
      try work()
    }
    if let failure = turns.read({ $0.failure }) { throw failure }
    if progress.isCancelled { throw .interrupted }
  }

  private func work() throws(ConversionError) {
    let buffer = try converting(ConversionError.io) { [pieceBytes] () throws(IOError) in
      try AlignedBuffer(byteCount: pieceBytes, purpose: "a part of a disk")
    }
    while let piece = try nextPiece() {
      if progress.isCancelled { throw .interrupted }
      let bytes = UnsafeMutableRawBufferPointer(
        rebasing: buffer.bytes[..<(piece.isData ? Int(piece.range.byteCount) : 0)])
      if piece.isData {
        try converting(ConversionError.image) { () throws(ImageError) in
          try image.read(into: bytes, at: piece.range.start)
        }
      }
      try waitForTurn(piece)
      try converting(ConversionError.io) { () throws(IOError) in
        if piece.isData {
          try write(UnsafeRawBufferPointer(bytes), at: piece.range.start)
        } else {
          try output.writeZeros(piece.range)
        }
      }
      if output.isSequential { turns.update { $0.next += 1 } }
      progress.reach(piece.range.end.bytes)
    }
  }

  private func nextPiece() throws(ConversionError) -> DiskPiece? {
    do { return try pieces.next() } catch { throw .image(error) }
  }

  /// Waits until everything before a piece is written, if that matters; gives up once another worker
  /// has failed.
  private func waitForTurn(_ piece: DiskPiece) throws(ConversionError) {
    try turns.wait { turns throws(ConversionError) -> Void? in
      if let failure = turns.failure { throw failure }
      return !output.isSequential || turns.next == piece.number ? () : nil
    }
  }

  /// Writes the data among the bytes of a piece, and the zeros among them as such.
  private func write(
    _ bytes: UnsafeRawBufferPointer, at start: GuestOffset
  ) throws(IOError) {
    guard let zeroRun = output.zeroRun else { return try output.write(bytes, at: start) }
    var begin = 0
    while begin < bytes.count {
      let isData = !bytes.isZeros(from: begin, zeroRun)
      var end = begin
      repeat {
        end = min(end + zeroRun, bytes.count)
      } while end < bytes.count && bytes.isZeros(from: end, zeroRun) != isData
      let place = GuestOffset(start.bytes + UInt64(begin))
      if isData {
        try output.write(UnsafeRawBufferPointer(rebasing: bytes[begin..<end]), at: place)
        written.add(UInt64(end - begin), ordering: .relaxed)
        writeBack?.add(end - begin)
      } else {
        try output.writeZeros(GuestRange(place, upTo: GuestOffset(start.bytes + UInt64(end))))
      }
      begin = end
    }
  }

  /// Stops all workers. The first error is the one that counts.
  private func fail(_ error: ConversionError) {
    turns.update { if $0.failure == nil { $0.failure = error } }
    progress.fail()
  }
}

extension UnsafeRawBufferPointer {
  /// Whether up to `count` bytes from a place on are zeros; a disk has whole sectors.
  fileprivate func isZeros(from start: Int, _ count: Int) -> Bool {
    UnsafeRawBufferPointer(rebasing: self[start..<Swift.min(start + count, self.count)]).isAllZeros
  }
}
