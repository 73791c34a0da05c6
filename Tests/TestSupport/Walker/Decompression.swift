internal import CZlib
internal import CZstd

/// Compressed clusters restored by the libraries' own hands, without the program's code.
public enum Decompression {
  /// The least bytes at a time in which a reader may take a cluster out and still restore it. In
  /// clusters of 8 and 16 KiB matches reach back as far as they like, for no reader takes less than
  /// 16 KiB at a time; in all others 4 KiB at the most.
  ///
  /// - Parameter count: The size of the cluster.
  /// - Returns: A number of bytes.
  public static func piece(ofClusterBytes count: Int) -> Int {
    count > 4096 && count <= 16_384 ? 16_384 : 100
  }

  /// Raw deflate data, restored by zlib with a window of 4 KiB; nil unless it restores exactly
  /// `count` bytes.
  ///
  /// zlib copies from its window and from the piece that it is taking out, and from nothing else:
  /// data that reaches farther back is an error.
  ///
  /// - Parameters:
  ///   - data: The compressed bytes; what follows their end is ignored.
  ///   - count: How many bytes they must restore.
  ///   - piece: How many bytes are taken out at a time.
  /// - Returns: The restored bytes.
  public static func deflate(_ data: [UInt8], count: Int, piece: Int) -> [UInt8]? {
    var (data, stream) = (data, z_stream())
    let size = CInt(MemoryLayout<z_stream>.size)
    guard inflateInit2_(&stream, -12, ZLIB_VERSION, size) == Z_OK else { return nil }
    defer { inflateEnd(&stream) }
    // Room for one byte more shows data that is too long.
    var output = [UInt8](repeating: 0, count: count + 1)
    let result = data.withUnsafeMutableBufferPointer { data in
      output.withUnsafeMutableBufferPointer { output -> CInt in
        (stream.next_in, stream.avail_in) = (data.baseAddress, uInt(data.count))
        stream.next_out = output.baseAddress
        while Int(stream.total_out) < output.count {
          stream.avail_out = uInt(min(piece, output.count - Int(stream.total_out)))
          let result = inflate(&stream, Z_NO_FLUSH)
          if result != Z_OK { return result }
        }
        return Z_BUF_ERROR
      }
    }
    guard result == Z_STREAM_END, Int(stream.total_out) == count else { return nil }
    return Array(output[..<count])
  }

  /// A Zstandard frame, read as a stream; nil unless it restores exactly `count` bytes.
  static func zstandard(_ data: [UInt8], count: Int) -> [UInt8]? {
    guard let stream = ZSTD_createDStream() else { return nil }
    defer { ZSTD_freeDStream(stream) }
    var output = [UInt8](repeating: 0, count: count + 1)
    let written = data.withUnsafeBytes { data in
      output.withUnsafeMutableBytes { output -> Int? in
        var from = ZSTD_inBuffer(src: data.baseAddress, size: data.count, pos: 0)
        var into = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
        while true {
          let (read, wrote) = (from.pos, into.pos)
          let rest = ZSTD_decompressStream(stream, &into, &from)
          if rest == 0 { return into.pos }
          if ZSTD_isError(rest) != 0 || (from.pos, into.pos) == (read, wrote) { return nil }
        }
      }
    }
    return written == count ? Array(output[..<count]) : nil
  }
}
