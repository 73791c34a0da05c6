internal import DiskIO
internal import DiskImage

/// A part of a read that one place of one layer fills. A read finds all its parts first and takes
/// them in the order of the files then: what is needed of a file is read front to back, in few
/// system calls, and what is mapped more than once is restored once.
struct ReadPart {
  /// The number of the layer.
  let layer: Int
  /// Where the bytes are in it: data, never zeros.
  let place: MappedRun.Place
  /// Where in the layer's file the data begins.
  let host: HostOffset
  /// What of the buffer it fills.
  let range: Range<Int>

  /// The part of a buffer that it fills.
  func bytes(of buffer: UnsafeMutableRawBufferPointer) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(rebasing: buffer[range])
  }
}

extension [ReadPart] {
  /// Brings the parts into the order of layers and places. Most often they are in it.
  mutating func sortByPlace() {
    func precedes(_ one: ReadPart, _ other: ReadPart) -> Bool {
      (one.layer, one.host.bytes) < (other.layer, other.host.bytes)
    }
    if zip(self, dropFirst()).contains(where: { precedes($1, $0) }) { sort(by: precedes) }
  }
}

extension ArraySlice<ReadPart> {
  /// Where the compressed data ends that is worth reading together with that of a part: of it, and
  /// of the compressed parts after it as long as hardly anything is between them.
  ///
  /// - Parameters:
  ///   - index: The part, a compressed one.
  ///   - geometry: The size of the layer's clusters.
  ///   - limit: The most bytes.
  /// - Returns: A place in the layer's file, or after its end.
  func spanEnd(from index: Int, _ geometry: ClusterGeometry, limit: Int) -> HostOffset {
    let start = self[index].host
    // One cluster alone: the next read most often wants what follows.
    if count == 1 { return HostOffset(start.bytes + UInt64(Swift.min(limit, Self.readAhead))) }
    var end = start
    for part in self[index...] {
      guard case .compressed(let mapping, _) = part.place,
        part.host.bytes <= end.bytes + Self.mostGap
      else { break }
      let next = part.host.bytes + UInt64(mapping.byteCount(geometry))
      guard next - start.bytes <= UInt64(limit) else { break }
      end = HostOffset(Swift.max(end.bytes, next))
    }
    return end
  }

  /// What is read of the file for one cluster.
  private static var readAhead: Int { 64 << 10 }
  /// Bytes that nobody wants cost less than a system call, up to so many.
  private static var mostGap: UInt64 { 16 << 10 }
}
