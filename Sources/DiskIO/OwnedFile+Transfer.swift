public import Glibc
internal import SystemPackage

extension OwnedFile {
  /// Reads until `buffer` is full or the file ends. The corresponding C function is `pread`.
  ///
  /// - Parameters:
  ///   - buffer: Where the bytes go.
  ///   - offset: Where in the file the first byte is.
  /// - Returns: The number of bytes read; fewer than `buffer.count` only at the file's end.
  /// - Throws: `IOError` with the place of the failed call.
  public borrowing func read(
    into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64
  ) throws(IOError) -> Int {
    var done = 0
    while done < buffer.count {
      let place = offset + UInt64(done)
      guard let start = off_t(exactly: place) else {
        throw IOError(.read, path, at: place, reason: .fileTooLarge)
      }
      let count = retryingOnInterrupt {
        pread(descriptor, buffer.baseAddress! + done, buffer.count - done, start)
      }
      guard count >= 0 else { throw IOError(.read, path, at: place, reason: .current) }
      if count == 0 { break }
      done += count
    }
    return done
  }

  /// Reads exactly `buffer.count` bytes.
  ///
  /// - Parameters:
  ///   - buffer: Where the bytes go.
  ///   - offset: Where in the file the first byte is.
  /// - Throws: `IOError`; a file that ends too early counts as an input/output error.
  public borrowing func readExactly(
    into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64
  ) throws(IOError) {
    let count = try read(into: buffer, at: offset)
    guard count == buffer.count else {
      throw IOError(.read, path, at: offset + UInt64(count), reason: .ioError)
    }
  }

  /// Writes all of `bytes`. The corresponding C function is `pwrite`.
  ///
  /// - Parameters:
  ///   - bytes: What to write.
  ///   - offset: Where in the file the first byte goes.
  /// - Throws: `IOError` with the place of the failed call.
  public borrowing func write(
    _ bytes: UnsafeRawBufferPointer, at offset: UInt64
  ) throws(IOError) {
    var done = 0
    while done < bytes.count {
      let place = offset + UInt64(done)
      guard let start = off_t(exactly: place) else {
        throw IOError(.write, path, at: place, reason: .fileTooLarge)
      }
      let count = retryingOnInterrupt {
        pwrite(descriptor, bytes.baseAddress! + done, bytes.count - done, start)
      }
      guard count > 0 else {
        throw IOError(.write, path, at: place, reason: count == 0 ? .noSpace : .current)
      }
      done += count
    }
  }

  /// Writes all of `bytes`. The corresponding C function is `pwrite`.
  ///
  /// - Parameters:
  ///   - bytes: What to write.
  ///   - offset: Where in the file the first byte goes.
  /// - Throws: `IOError` with the place of the failed call.
  public borrowing func write(_ bytes: [UInt8], at offset: UInt64) throws(IOError) {
    let buffer = try AlignedBuffer(byteCount: bytes.count, purpose: "bytes to write")
    buffer.bytes.copyBytes(from: bytes)
    try write(UnsafeRawBufferPointer(buffer.bytes), at: offset)
  }

  /// Writes the pieces one after another as one run. The corresponding C function is `pwritev`.
  ///
  /// - Parameters:
  ///   - pieces: The memory to write, in file order; changed while partly written pieces go on.
  ///   - offset: Where in the file the first byte goes.
  /// - Throws: `IOError` with the place of the failed call.
  public borrowing func write(
    gathering pieces: UnsafeMutableBufferPointer<iovec>, at offset: UInt64
  ) throws(IOError) {
    var (next, place) = (Self.skip(0, in: pieces, from: 0), offset)
    while next < pieces.count {
      guard let start = off_t(exactly: place) else {
        throw IOError(.write, path, at: place, reason: .fileTooLarge)
      }
      let batch = min(pieces.count - next, Self.mostPieces)
      let count = retryingOnInterrupt {
        pwritev(descriptor, pieces.baseAddress! + next, CInt(batch), start)
      }
      guard count > 0 else {
        throw IOError(.write, path, at: place, reason: count == 0 ? .noSpace : .current)
      }
      place += UInt64(count)
      next = Self.skip(count, in: pieces, from: next)
    }
  }

  /// The most pieces that one `pwritev` takes (`IOV_MAX` of Linux).
  static var mostPieces: Int { 1024 }

  /// Drops `count` written bytes from the pieces that begin at index `first`.
  ///
  /// - Returns: The index of the first piece that is not yet written whole.
  private static func skip(
    _ count: Int, in pieces: UnsafeMutableBufferPointer<iovec>, from first: Int
  ) -> Int {
    var (index, rest) = (first, count)
    while index < pieces.count, rest >= pieces[index].iov_len {
      rest -= pieces[index].iov_len
      index += 1
    }
    if rest > 0 {
      pieces[index].iov_base += rest
      pieces[index].iov_len -= rest
    }
    return index
  }
}
