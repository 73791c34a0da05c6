package import DiskIO
package import DiskImage
package import SystemPackage

/// A file that an image consists of. Nothing that the image says about it is believed: every range
/// is checked against the file's size before memory is taken for it.
package final class ImageFile: Sendable {
  private let file: OwnedFile
  private let watch: FileWatch
  /// The size of the file (or device) in bytes.
  package let size: UInt64
  /// The name of the file.
  package var path: FilePath { file.path }

  /// Takes over a file that is open for reading.
  package init(_ file: consuming OwnedFile) throws(ImageError) {
    do {
      watch = try FileWatch(file)
      size = try file.size()
    } catch {
      throw .io(error)
    }
    self.file = file
  }

  /// What the file takes on the disk; for a device, its size.
  package func allocatedSize() throws(ImageError) -> UInt64 {
    do { return try file.kind() == .blockDevice ? size : try file.allocatedSize() } catch {
      throw .io(error)
    }
  }

  /// Makes sure that the file has the size and the time of change still that it had.
  package func requireUnchanged() throws(ImageError) { try watch.requireUnchanged(file) }

  /// What identifies the file.
  package func identity() throws(ImageError) -> FileIdentity {
    do { return try file.identity() } catch { throw .io(error) }
  }

  /// Fills `buffer`.
  ///
  /// - Parameters:
  ///   - buffer: Where the bytes go.
  ///   - offset: The byte of the file that comes first.
  ///   - what: What is read, for the message.
  /// - Throws: `ImageError.malformed` if the range is not inside the file, or what reading fails with.
  package func read(
    into buffer: UnsafeMutableRawBufferPointer, at offset: HostOffset,
    _ what: @autoclosure () -> String
  ) throws(ImageError) {
    try check(UInt64(buffer.count), at: offset, what())
    let count = try readSome(into: buffer, at: offset)
    guard count == buffer.count else { throw shrank(readUpTo: offset.advanced(by: UInt64(count))) }
  }

  /// The error of a file that has ended too early, at `end` or before it.
  func shrank(readUpTo end: HostOffset) -> ImageError { file.shrank(readUpTo: end.bytes) }

  /// Fills `buffer` as far as the file reaches.
  ///
  /// - Returns: The number of bytes read.
  package func readSome(
    into buffer: UnsafeMutableRawBufferPointer, at offset: HostOffset
  ) throws(ImageError) -> Int {
    do { return try file.read(into: buffer, at: offset.bytes) } catch { throw .io(error) }
  }

  /// Where the next data at or after `offset` begins; nil if there is none. Where the file system
  /// does not say, all is data.
  package func nextData(from offset: HostOffset) -> HostOffset? {
    guard offset.bytes < size else { return nil }
    do { return try file.nextData(from: offset.bytes).map(HostOffset.init) } catch { return offset }
  }

  /// The bytes of a range; what is beyond the file's end is zeros.
  func padded(_ count: Int, at offset: HostOffset) throws(ImageError) -> [UInt8] {
    var bytes = try upTo(count, at: offset)
    bytes.append(contentsOf: repeatElement(0, count: count - bytes.count))
    return bytes
  }

  /// The bytes of a range, which must lie inside the file.
  package func bytes(
    _ count: Int, at offset: HostOffset, _ what: @autoclosure () -> String
  ) throws(ImageError) -> [UInt8] {
    try check(UInt64(count), at: offset, what())
    let bytes = try upTo(count, at: offset)
    guard bytes.count == count else {
      throw shrank(readUpTo: offset.advanced(by: UInt64(bytes.count)))
    }
    return bytes
  }

  /// Up to `count` bytes, fewer where the file ends.
  package func upTo(_ count: Int, at offset: HostOffset) throws(ImageError) -> [UInt8] {
    let available = Int(min(UInt64(count), size - min(offset.bytes, size)))
    let buffer: AlignedBuffer
    do { buffer = try AlignedBuffer(byteCount: available, purpose: "parts of an image") } catch {
      throw .io(error)
    }
    return Array(buffer.bytes[..<(try readSome(into: buffer.bytes, at: offset))])
  }

  /// Makes sure that a range lies inside the file.
  package func check(
    _ count: UInt64, at offset: HostOffset, _ what: @autoclosure () -> String
  ) throws(ImageError) {
    guard offset.bytes <= size, count <= size - offset.bytes else {
      throw malformed(
        """
        \(what()): \(count) bytes at byte \(offset.bytes) reach beyond the file's end at byte \(size); \
        the image is cut off or damaged
        """)
    }
  }

  /// An error of this file.
  package func malformed(_ reason: String) -> ImageError { .malformed(path, reason: reason) }
}

/// Runs `body`; what it finds wrong is an error of the image at `path`.
func decoding<Result>(
  _ path: FilePath, _ body: () throws(FormatError) -> Result
) throws(ImageError) -> Result {
  do { return try body() } catch { throw .malformed(path, reason: error.reason) }
}
