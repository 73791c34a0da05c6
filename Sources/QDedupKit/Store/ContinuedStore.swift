internal import DedupStore
internal import DiskIO
internal import DiskImage
internal import QCOW2

/// Keeps the incarnations of a file that is being changed in clusters of the file itself, whose
/// refcount stays 0.
///
/// Old incarnations are read while a thread loads their filters; new ones go only into clusters that
/// nothing used, or into what the saved lists call limbo.
final class ContinuedStoreStorage: StoreStorage, @unchecked Sendable {
  // Unchecked: only the thread that uses the store allocates; any thread may read.

  private let file: OpenFile
  private let writer: ImageWriter

  init(_ writer: ImageWriter) {
    self.writer = writer
    file = writer.file
  }

  func allocate(byteCount: UInt64) throws(StoreError) -> StorageOffset {
    let clusters = writer.geometry.clusterCount(forBytes: byteCount)
    do {
      let host = try writer.allocate(clusters: clusters)
      // A new region reads as zeros, and this one may hold old bytes.
      try clear(host, clusters << UInt64(writer.geometry.clusterBits))
      return StorageOffset(host.bytes)
    } catch {
      throw .allocation(byteCount: byteCount, cause: error)
    }
  }

  private func clear(_ host: HostOffset, _ byteCount: UInt64) throws(IOError) {
    if try file.file.punchHole(at: host.bytes, byteCount: byteCount) { return }
    let zeros = try AlignedBuffer(byteCount: 64 << 10, purpose: "zeros")
    zeros.bytes.initializeMemory(as: UInt8.self, repeating: 0)
    var done: UInt64 = 0
    while done < byteCount {
      let count = Int(min(UInt64(zeros.bytes.count), byteCount - done))
      try file.file.write(.init(rebasing: zeros.bytes[..<count]), at: host.bytes + done)
      done += UInt64(count)
    }
  }

  func read(
    into bytes: UnsafeMutableRawBufferPointer, at offset: StorageOffset
  ) throws(IOError) {
    let count = try file.file.read(into: bytes, at: offset.bytes)
    UnsafeMutableRawBufferPointer(rebasing: bytes[count...]).initializeMemory(
      as: UInt8.self, repeating: 0)
  }

  func write(_ bytes: UnsafeRawBufferPointer, at offset: StorageOffset) throws(IOError) {
    try file.file.write(bytes, at: offset.bytes)
  }
}

/// Where a saved store is in a file, as far as that is in use although no refcount says so.
struct StoreRegions {
  /// The incarnations, limbo and lists.
  let ranges: [Range<HostOffset>]

  /// Nothing.
  init() { ranges = [] }

  /// The regions of lists that are in clusters of their own.
  ///
  /// - Parameters:
  ///   - dump: The lists.
  ///   - offset: Where they are; nil if they are in the header.
  ///   - clusterSize: The size of the image's clusters.
  init(_ dump: StoreDump, at offset: StorageOffset?, clusterSize: Int) {
    var ranges: [Range<HostOffset>] = []
    if let geometry = try? StoreGeometry(order: Int(dump.order)) {
      let size = UInt64(geometry.bytes(inClustersOf: clusterSize))
      for place in dump.incarnations + dump.limbo {
        ranges.append(HostOffset(place.bytes)..<HostOffset(place.bytes + size))
      }
    }
    if let offset {
      ranges.append(
        HostOffset(offset.bytes)..<HostOffset(offset.bytes + UInt64(dump.byteCount)))
    }
    self.ranges = ranges
  }
}
