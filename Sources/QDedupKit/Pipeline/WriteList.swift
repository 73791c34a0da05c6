import Glibc
package import DiskIO
package import QCOW2

/// Which memory goes where in the output: runs of bytes, each in as few pieces as memory allows.
package struct WriteList: ~Copyable {
  private struct Run {
    let offset: UInt64
    let firstPiece: Int
  }

  private let pieces: UnsafeMutableBufferPointer<iovec>
  private var pieceCount = 0
  private var runs: [Run] = []
  /// Where the last run ends in the output.
  private var end: UInt64 = 0

  /// Room for the data of so many clusters.
  package init(clusterCount: Int) {
    pieces = .allocate(capacity: clusterCount)
  }

  deinit { pieces.deallocate() }

  /// Forgets all entries.
  package mutating func removeAll() {
    runs.removeAll(keepingCapacity: true)
    (pieceCount, end) = (0, 0)
  }

  /// Adds memory, joined to what was added last where they stand side by side.
  ///
  /// - Parameters:
  ///   - bytes: What to write. It must stay as it is until it is written.
  ///   - host: Where in the output it goes.
  package mutating func append(_ bytes: UnsafeMutableRawBufferPointer, at host: HostOffset) {
    let offset = host.bytes
    let continuesRun = !runs.isEmpty && offset == end
    end = offset + UInt64(bytes.count)
    if continuesRun {
      let last = pieces[pieceCount - 1]
      if last.iov_base + last.iov_len == bytes.baseAddress! {
        pieces[pieceCount - 1].iov_len += bytes.count
        return
      }
    } else {
      runs.append(Run(offset: offset, firstPiece: pieceCount))
    }
    pieces[pieceCount] = iovec(iov_base: bytes.baseAddress!, iov_len: bytes.count)
    pieceCount += 1
  }

  /// Writes everything; once only, as the entries are used up.
  package func write(to file: borrowing OwnedFile) throws(IOError) {
    for (index, run) in runs.enumerated() {
      let next = index + 1 < runs.count ? runs[index + 1].firstPiece : pieceCount
      try file.write(
        gathering: UnsafeMutableBufferPointer(rebasing: pieces[run.firstPiece..<next]),
        at: run.offset)
    }
  }
}
