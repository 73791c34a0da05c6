internal import DiskIO
internal import DiskImage
import Glibc
internal import QCOW2

/// Reads clusters back from the output, many in one read, and compares with them.
///
/// A *run* of clusters that are side by side in the output is loaded with one read, and each of them
/// is then held against the bytes that a guest cluster has. Compressed clusters are restored first,
/// one at a time, which costs more than the read.
///
/// Each worker has one, with its own buffers: of a batch's size, or for two clusters if that is more,
/// and in a compressed image one more cluster. What is read was written in this conversion, so it
/// usually comes from the page cache; that it comes from the file at all is the point (S34).
///
/// The caller makes sure that a run is written before it is loaded. Bytes after the last one written
/// may be missing or change while they are read: a compressed cluster is read up to the end of its
/// last sector, where the next one may just be written. Decompressing ignores them.
final class StoredClusters {
  /// Clusters that are side by side in the output.
  struct Run {
    private let geometry: ClusterGeometry
    /// Where the first begins.
    let start: HostOffset
    /// Where the last one begins.
    private(set) var lastStart: HostOffset
    /// Where the last one ends; for compressed ones, where its last sector does.
    private var end: HostOffset

    init(_ mapping: ClusterMapping, _ geometry: ClusterGeometry) {
      self.geometry = geometry
      start = mapping.host(geometry)
      lastStart = start
      end = Self.end(of: mapping, geometry)
    }

    /// The bytes from the beginning of the first to the end of the last one.
    var byteCount: Int { Int(end.bytes - start.bytes) }

    private static func end(of mapping: ClusterMapping, _ geometry: ClusterGeometry) -> HostOffset {
      HostOffset(mapping.host(geometry).bytes + UInt64(mapping.byteCount(geometry)))
    }

    /// Adds a cluster if it begins in or directly after the run, which may then have at most
    /// `limit` bytes.
    mutating func extend(by mapping: ClusterMapping, upTo limit: Int) -> Bool {
      let first = mapping.host(geometry)
      let newEnd = max(end, Self.end(of: mapping, geometry))
      guard first >= lastStart, first <= end, newEnd.bytes - start.bytes <= UInt64(limit)
      else { return false }
      (lastStart, end) = (first, newEnd)
      return true
    }
  }

  private let geometry: ClusterGeometry
  private let buffer: AlignedBuffer
  private let restored: AlignedBuffer
  private let decompressor: ClusterDecompressor?
  /// Where the run begins that was loaded last.
  private var start = HostOffset(0)

  /// - Parameters:
  ///   - geometry: The clusters to read.
  ///   - shape: How much of them to read at once.
  ///   - method: How clusters are compressed, if they are.
  /// - Throws: `ConversionError` if there is not enough memory.
  init(
    _ geometry: ClusterGeometry, _ shape: BatchShape, method: Compression.Method?
  ) throws(ConversionError) {
    let buffer = try Self.buffer(shape.comparedByteCount)
    let restored = try Self.buffer(shape.restoredByteCount)
    let decompressor = try Self.decompressor(method)
    self.geometry = geometry
    self.buffer = buffer
    self.restored = restored
    self.decompressor = decompressor
  }

  private static func decompressor(
    _ method: Compression.Method?
  ) throws(ConversionError) -> ClusterDecompressor? {
    guard let method else { return nil }
    do { return try ClusterDecompressor(method) } catch { throw .compression(error) }
  }

  /// The most bytes that a run may have.
  var capacity: Int { buffer.bytes.count }

  /// The memory that runs are loaded into; free for other bytes until the next one.
  var room: UnsafeMutableRawBufferPointer { buffer.bytes }

  /// Reads a run of `output`. The file may end within the last sector of a compressed cluster.
  func load(_ run: Run, from output: OpenFile) throws(ConversionError) {
    start = run.start
    let bytes = UnsafeMutableRawBufferPointer(
      rebasing: buffer.bytes[..<run.byteCount])
    do throws(IOError) {
      if decompressor == nil {
        try output.file.readExactly(into: bytes, at: start.bytes)
      } else {
        _ = try output.file.read(into: bytes, at: start.bytes)
      }
    } catch {
      throw .io(error)
    }
  }

  /// Whether a cluster of the run that was loaded last, from `output`, has this content. Old data
  /// that does not restore is other content; new data that does not is an error.
  func holds(
    _ content: UnsafeRawPointer, at mapping: ClusterMapping, of output: OpenFile, isOld: Bool
  ) throws(ConversionError) -> Bool {
    let host = mapping.host(geometry)
    let offset = Int(host.bytes - start.bytes)
    guard mapping.isCompressed else {
      return memcmp(buffer.bytes.baseAddress! + offset, content, geometry.clusterSize) == 0
    }
    let data = UnsafeRawBufferPointer(
      rebasing: buffer.bytes[offset..<offset + mapping.byteCount(geometry)])
    do throws(CompressionError) {
      try decompressor!.decompress(data, into: restored.bytes)
    } catch {
      if isOld, error == .damaged { return false }
      throw error == .damaged ? .readBackDamaged(output.path, host) : .compression(error)
    }
    return memcmp(restored.bytes.baseAddress!, content, geometry.clusterSize) == 0
  }

  private static func buffer(_ byteCount: Int) throws(ConversionError) -> AlignedBuffer {
    do {
      return try AlignedBuffer(byteCount: byteCount, purpose: "clusters to compare with")
    } catch {
      throw .io(error)
    }
  }
}
