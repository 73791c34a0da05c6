internal import CZlib
internal import CZstd

/// Compressed clusters restored by the libraries' own hands, without the program's code.
enum Decompression {
  /// Raw deflate data with a window of 4 KiB; nil unless it restores exactly `count` bytes.
  ///
  /// It takes the cluster out in small pieces, so that zlib has nothing but its window to copy from:
  /// data that reaches farther back is an error, which it would not be in one piece.
  static func deflate(_ data: [UInt8], count: Int) -> [UInt8]? {
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
          stream.avail_out = uInt(min(100, output.count - Int(stream.total_out)))
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
