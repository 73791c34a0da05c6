import Glibc
internal import DiskIO
internal import DiskImage
internal import QCOW2

/// Reads clusters back from the output, many in one read, to compare with.
final class StoredClusters {
  /// Clusters that stand side by side in the output.
  struct Run {
    private let geometry: ClusterGeometry
    /// Where the first begins.
    let start: UInt64
    /// Where the last one begins.
    private(set) var lastStart: UInt64
    /// Where the last one ends; for compressed ones, where its last sector does.
    private(set) var end: UInt64

    init(_ mapping: ClusterMapping, _ geometry: ClusterGeometry) {
      self.geometry = geometry
      start = mapping.host(geometry).bytes
      lastStart = start
      end = start + UInt64(mapping.byteCount(geometry))
    }

    /// Adds a cluster if it begins in or directly behind the run, which may then have at most
    /// `limit` bytes.
    mutating func extend(by mapping: ClusterMapping, upTo limit: Int) -> Bool {
      let first = mapping.host(geometry).bytes
      let newEnd = max(end, first + UInt64(mapping.byteCount(geometry)))
      guard first >= lastStart, first <= end, newEnd - start <= UInt64(limit) else { return false }
      (lastStart, end) = (first, newEnd)
      return true
    }
  }

  private let geometry: ClusterGeometry
  private let buffer: AlignedBuffer
  private let restored: AlignedBuffer
  private let decompressor: ClusterDecompressor?
  private var start: UInt64 = 0

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

  /// Reads a run of `output`. The file may end within the last sector of a compressed cluster.
  func load(_ run: Run, from output: AtomicFile) throws(ConversionError) {
    start = run.start
    let bytes = UnsafeMutableRawBufferPointer(
      rebasing: buffer.bytes[..<Int(run.end - run.start)])
    do throws(IOError) {
      if decompressor == nil {
        try output.file.readExactly(into: bytes, at: start)
      } else {
        _ = try output.file.read(into: bytes, at: start)
      }
    } catch {
      throw .io(error)
    }
  }

  /// Whether a cluster of the run that was read last, from `output`, has this content.
  func holds(
    _ content: UnsafeRawPointer, at mapping: ClusterMapping, of output: AtomicFile
  ) throws(ConversionError) -> Bool {
    let host = mapping.host(geometry)
    let offset = Int(host.bytes - start)
    guard mapping.isCompressed else {
      return memcmp(buffer.bytes.baseAddress! + offset, content, geometry.clusterSize) == 0
    }
    let data = UnsafeRawBufferPointer(
      rebasing: buffer.bytes[offset..<offset + mapping.byteCount(geometry)])
    do throws(CompressionError) {
      try decompressor!.decompress(data, into: restored.bytes)
    } catch {
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
