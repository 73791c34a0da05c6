internal import CDeflate
internal import CZstd

/// Restores compressed clusters one after another with one context.
public final class ClusterDecompressor {
  private enum Context {
    // libdeflate restores deflate twice as fast as zlib, which compresses here.
    case zlib(OpaquePointer)
    case zstd(OpaquePointer)
  }

  private let context: Context

  /// A decompressor for one method.
  ///
  /// - Parameter method: The image's compression type.
  /// - Throws: `CompressionError.outOfMemory`.
  public init(_ method: CompressionMethod) throws(CompressionError) {
    switch method {
    case .zlib:
      guard let deflate = libdeflate_alloc_decompressor() else { throw .outOfMemory }
      context = .zlib(deflate)
    case .zstd:
      guard let zstd = ZSTD_createDCtx() else { throw .outOfMemory }
      context = .zstd(zstd)
    }
  }

  deinit {
    switch context {
    case .zlib(let deflate): libdeflate_free_decompressor(deflate)
    case .zstd(let zstd): ZSTD_freeDCtx(zstd)
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
    case .zlib(let deflate): try Self.inflate(deflate, data, into: cluster)
    case .zstd(let zstd): try Self.restore(zstd, data, into: cluster)
    }
  }

  /// Without a place for the true size, anything but a whole cluster is an error.
  private static func inflate(
    _ deflate: OpaquePointer, _ data: UnsafeRawBufferPointer,
    into cluster: UnsafeMutableRawBufferPointer
  ) throws(CompressionError) {
    let result = libdeflate_deflate_decompress(
      deflate, data.baseAddress, data.count, cluster.baseAddress, cluster.count, nil)
    guard result == LIBDEFLATE_SUCCESS else { throw .damaged }
  }

  /// One or more whole frames. A frame's end is where its blocks say; bytes of the next cluster may
  /// follow the last one.
  private static func restore(
    _ zstd: OpaquePointer, _ data: UnsafeRawBufferPointer,
    into cluster: UnsafeMutableRawBufferPointer
  ) throws(CompressionError) {
    var (used, done) = (0, 0)
    while done < cluster.count {
      let rest = UnsafeRawBufferPointer(rebasing: data[used...])
      let frame = ZSTD_findFrameCompressedSize(rest.baseAddress, rest.count)
      guard ZSTD_isError(frame) == 0 else { throw .damaged }
      let count = ZSTD_decompressDCtx(
        zstd, cluster.baseAddress! + done, cluster.count - done, rest.baseAddress, frame)
      guard ZSTD_isError(count) == 0 else { throw .damaged }
      used += frame
      done += count
    }
  }
}
