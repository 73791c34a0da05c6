package import DiskIO
import Glibc
package import QCOW2

/// Which memory goes where in the output: runs of bytes, each in as few pieces as memory allows.
///
/// The ordered part fills it while it gives clusters their room, and the worker writes it after its
/// turn: a run is one system call (or more, of 1024 pieces each), however many clusters it has.
package struct WriteList: ~Copyable {
  private struct Run {
    let start: HostOffset
    let firstPiece: Int
  }

  private let pieces: UnsafeMutableBufferPointer<iovec>
  private var pieceCount = 0
  private var runs: [Run] = []
  /// How many bytes there are to write.
  package private(set) var byteCount = 0
  /// Where the last run ends in the output.
  private var end = HostOffset(0)

  /// Room for the data of `clusterCount` clusters.
  package init(clusterCount: Int) {
    pieces = .allocate(capacity: clusterCount)
  }

  deinit { pieces.deallocate() }

  /// Forgets all entries.
  package mutating func removeAll() {
    runs.removeAll(keepingCapacity: true)
    (pieceCount, byteCount, end) = (0, 0, HostOffset(0))
  }

  /// Adds memory, joined to what was added last where they are side by side.
  ///
  /// - Parameters:
  ///   - bytes: What to write. It must stay as it is until it is written.
  ///   - host: Where in the output it goes.
  package mutating func append(_ bytes: UnsafeMutableRawBufferPointer, at host: HostOffset) {
    byteCount += bytes.count
    let continuesRun = !runs.isEmpty && host == end
    end = HostOffset(host.bytes + UInt64(bytes.count))
    if continuesRun {
      let last = pieces[pieceCount - 1]
      if last.iov_base + last.iov_len == bytes.baseAddress! {
        pieces[pieceCount - 1].iov_len += bytes.count
        return
      }
    } else {
      runs.append(Run(start: host, firstPiece: pieceCount))
    }
    precondition(pieceCount < pieces.count, "more pieces to write than the batch has clusters")
    pieces[pieceCount] = iovec(iov_base: bytes.baseAddress!, iov_len: bytes.count)
    pieceCount += 1
  }

  /// Writes everything; once only, as the entries are used up.
  package func write(to file: borrowing OwnedFile) throws(IOError) {
    for (index, run) in runs.enumerated() {
      let next = index + 1 < runs.count ? runs[index + 1].firstPiece : pieceCount
      try file.write(
        gathering: UnsafeMutableBufferPointer(rebasing: pieces[run.firstPiece..<next]),
        at: run.start.bytes)
    }
  }
}
