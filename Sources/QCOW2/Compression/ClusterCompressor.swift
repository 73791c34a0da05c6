internal import CDeflate
internal import CZlib
internal import CZstd

/// Compresses clusters one after another with one context; the same bytes give the same result, on
/// every processor.
///
/// Deflate has two encoders. libdeflate is the better one, two to four times as fast as zlib at the
/// same level and a little smaller, but knows no limit on how far a match reaches back. A reader that
/// restores a cluster in one call (QEMU, 7-Zip, libqcow) does not mind. One that takes it in pieces,
/// with the window of 4 KiB that qcow2 names, restores a match only if it reaches back no farther
/// than that, or than the piece's beginning; no reader's pieces are smaller than 16 KiB (Python's,
/// for dissect.hypervisor). So there are three classes of output:
///
/// | clusters | encoder | matches reach back | who reads it |
/// |---|---|---|---|
/// | up to 4 KiB | libdeflate | 4 KiB, there is no more | all, in pieces of any size |
/// | 8 and 16 KiB; all with `DeflateWindow.largest` | libdeflate | the cluster, at most 32 KiB | \
/// all whose pieces are a cluster; up to 16 KiB these are all |
/// | from 32 KiB on | zlib, window 4 KiB | 4 KiB | all, in pieces of any size |
///
/// ISA-L would be faster than zlib, but chooses its code by the processor, and its output, even its
/// size, is not the same with SSE2, SSE4.2 and AVX2.
///
/// zstd needs no such care: a frame says how much memory a reader needs.
public final class ClusterCompressor {
  private enum Context {
    case zlib(UnsafeMutablePointer<z_stream>)
    case libdeflate(OpaquePointer)
    case zstd(OpaquePointer)
  }

  private let context: Context

  /// The largest cluster, in bytes, whose matches may reach back to its beginning: whatever a
  /// reader's pieces are, the whole cluster is in the first.
  static let largestSinglePiece = 16 << 10

  /// A compressor for clusters of one size.
  ///
  /// - Parameters:
  ///   - compression: Method, level and window.
  ///   - clusterSize: The size of each cluster in bytes.
  /// - Throws: `CompressionError` if there is no memory for it.
  public init(_ compression: Compression, clusterSize: Int) throws(CompressionError) {
    let level = compression.level(clusterSize: clusterSize)
    switch compression.method {
    case .zlib where compression.usesLibdeflate(clusterSize: clusterSize):
      guard let deflate = libdeflate_alloc_compressor(CInt(level)) else { throw .outOfMemory }
      context = .libdeflate(deflate)
    case .zlib:
      context = .zlib(try Self.deflater(level: level))
    case .zstd:
      guard let zstd = ZSTD_createCCtx() else { throw .outOfMemory }
      ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, CInt(level))
      context = .zstd(zstd)
    }
  }

  /// Whether matches reach back 4 KiB at the most, through clusters that are larger.
  package var hasSmallWindow: Bool {
    if case .zlib = context { true } else { false }
  }

  deinit {
    switch context {
    case .zlib(let stream):
      deflateEnd(stream)
      stream.deallocate()
    case .libdeflate(let deflate):
      libdeflate_free_compressor(deflate)
    case .zstd(let zstd):
      ZSTD_freeCCtx(zstd)
    }
  }

  /// Compresses one cluster.
  ///
  /// - Parameters:
  ///   - cluster: The cluster's bytes, as many as the compressor is for.
  ///   - output: Where the compressed bytes go: at least `Compression.bound` of them.
  /// - Returns: The number of compressed bytes.
  /// - Throws: `CompressionError.failed`, which a sound library never gives.
  public func compress(
    _ cluster: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
  ) throws(CompressionError) -> Int {
    switch context {
    case .zlib, .libdeflate:
      if Noise.fills(cluster) { return Self.store(cluster, into: output) }
    case .zstd: break
    }
    switch context {
    case .zlib(let stream):
      return try Self.deflate(stream, cluster, into: output)
    case .libdeflate(let deflate):
      let count = libdeflate_deflate_compress(
        deflate, cluster.baseAddress, cluster.count, output.baseAddress, output.count)
      return count > 0 ? count : Self.store(cluster, into: output)
    case .zstd(let zstd):
      let count = ZSTD_compress2(
        zstd, output.baseAddress, output.count, cluster.baseAddress, cluster.count)
      guard ZSTD_isError(count) == 0 else {
        throw .failed(String(cString: ZSTD_getErrorName(count)))
      }
      return count
    }
  }

  /// A raw deflate stream with the window of 4 KiB that qcow2 asks for.
  ///
  /// Its memory level is 8: QEMU's 9 gives the same sizes, and takes a fifth more time.
  private static func deflater(level: Int) throws(CompressionError) -> UnsafeMutablePointer<
    z_stream
  > {
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    stream.initialize(to: z_stream())
    guard
      qdedup_deflate_init(stream, CInt(level), qcow2WindowBits, 8) == Z_OK
    else {
      stream.deallocate()
      throw .outOfMemory
    }
    return stream
  }

  private static func deflate(
    _ stream: UnsafeMutablePointer<z_stream>, _ cluster: UnsafeRawBufferPointer,
    into output: UnsafeMutableRawBufferPointer
  ) throws(CompressionError) -> Int {
    deflateReset(stream)
    stream.pointee.next_in = UnsafeMutablePointer(
      mutating: cluster.baseAddress!.assumingMemoryBound(to: Bytef.self))
    stream.pointee.avail_in = uInt(cluster.count)
    stream.pointee.next_out = output.baseAddress!.assumingMemoryBound(to: Bytef.self)
    stream.pointee.avail_out = uInt(output.count)
    // Some variants of zlib make incompressible data much larger instead of storing it.
    guard CZlib.deflate(stream, Z_FINISH) == Z_STREAM_END else {
      return store(cluster, into: output)
    }
    return output.count - Int(stream.pointee.avail_out)
  }

  /// Writes a cluster as stored deflate blocks (RFC 1951, 3.2.4): up to 65,535 bytes each, after a
  /// header of 5 bytes.
  ///
  /// - Parameters:
  ///   - cluster: The cluster's bytes.
  ///   - output: Where the blocks go: at least `Compression.bound` bytes.
  /// - Returns: The number of bytes written.
  package static func store(
    _ cluster: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
  ) -> Int {
    var end = 0
    for start in stride(from: 0, to: cluster.count, by: 65_535) {
      let block = UnsafeRawBufferPointer(
        rebasing: cluster[start..<min(start + 65_535, cluster.count)])
      let isLast = start + block.count == cluster.count
      let length = UInt16(block.count)
      output.storeBytes(of: isLast ? 1 : 0, toByteOffset: end, as: UInt8.self)
      output.storeBytes(of: length.littleEndian, toByteOffset: end + 1, as: UInt16.self)
      output.storeBytes(of: (~length).littleEndian, toByteOffset: end + 3, as: UInt16.self)
      UnsafeMutableRawBufferPointer(rebasing: output[(end + 5)...]).copyMemory(from: block)
      end += 5 + block.count
    }
    return end
  }
}

/// The logarithm of deflate's window in qcow2, negative for a stream without header and checksum.
let qcow2WindowBits: CInt = -12
