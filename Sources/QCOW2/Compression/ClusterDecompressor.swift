internal import CZlib
internal import CZstd

/// Restores compressed clusters one after another with one context.
public final class ClusterDecompressor {
  private enum Context {
    case zlib(UnsafeMutablePointer<z_stream>)
    case zstd(OpaquePointer)
  }

  private let context: Context

  /// A decompressor for one method.
  ///
  /// - Parameter method: The image's compression type.
  /// - Throws: `CompressionError.outOfMemory`.
  public init(_ method: Compression.Method) throws(CompressionError) {
    switch method {
    case .zlib:
      let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
      stream.initialize(to: z_stream())
      guard qdedup_inflate_init(stream, qcow2WindowBits) == Z_OK else {
        stream.deallocate()
        throw .outOfMemory
      }
      context = .zlib(stream)
    case .zstd:
      guard let zstd = ZSTD_createDCtx() else { throw .outOfMemory }
      context = .zstd(zstd)
    }
  }

  deinit {
    switch context {
    case .zlib(let stream):
      inflateEnd(stream)
      stream.deallocate()
    case .zstd(let zstd):
      ZSTD_freeDCtx(zstd)
    }
  }

  /// Restores one cluster.
  ///
  /// - Parameters:
  ///   - data: The compressed bytes; what follows their end is ignored.
  ///   - cluster: Where the cluster goes; filled whole.
  /// - Throws: `CompressionError.damaged` unless the data restores exactly a cluster.
  public func decompress(
    _ data: UnsafeRawBufferPointer, into cluster: UnsafeMutableRawBufferPointer
  ) throws(CompressionError) {
    guard !data.isEmpty else { throw .damaged }
    switch context {
    case .zlib(let stream): try Self.inflate(stream, data, into: cluster)
    case .zstd(let zstd): try Self.restore(zstd, data, into: cluster)
    }
  }

  /// Restores one cluster.
  ///
  /// - Parameters:
  ///   - data: The compressed bytes; what follows their end is ignored.
  ///   - cluster: Where the cluster goes; filled whole.
  /// - Throws: `CompressionError.damaged` unless the data restores exactly a cluster.
  func decompress(
    _ data: [UInt8], into cluster: UnsafeMutableRawBufferPointer
  ) throws(CompressionError) {
    let result = data.withUnsafeBytes { bytes in
      Result { () throws(CompressionError) in try decompress(bytes, into: cluster) }
    }
    try result.get()
  }

  private static func inflate(
    _ stream: UnsafeMutablePointer<z_stream>, _ data: UnsafeRawBufferPointer,
    into cluster: UnsafeMutableRawBufferPointer
  ) throws(CompressionError) {
    inflateReset(stream)
    stream.pointee.next_in = UnsafeMutablePointer(
      mutating: data.baseAddress!.assumingMemoryBound(to: Bytef.self))
    stream.pointee.avail_in = uInt(data.count)
    stream.pointee.next_out = cluster.baseAddress!.assumingMemoryBound(to: Bytef.self)
    stream.pointee.avail_out = uInt(cluster.count)
    let result = CZlib.inflate(stream, Z_FINISH)
    guard result == Z_STREAM_END, stream.pointee.avail_out == 0 else { throw .damaged }
  }

  /// The frame's end is where its blocks say; bytes of the next cluster may follow it.
  private static func restore(
    _ zstd: OpaquePointer, _ data: UnsafeRawBufferPointer,
    into cluster: UnsafeMutableRawBufferPointer
  ) throws(CompressionError) {
    let frame = ZSTD_findFrameCompressedSize(data.baseAddress, data.count)
    guard ZSTD_isError(frame) == 0 else { throw .damaged }
    let count = ZSTD_decompressDCtx(
      zstd, cluster.baseAddress, cluster.count, data.baseAddress, frame)
    guard count == cluster.count else { throw .damaged }
  }
}
