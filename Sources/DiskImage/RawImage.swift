public import DiskIO
public import SystemPackage

/// A raw disk image: a regular file, with or without holes, or a block device.
///
/// A size that is no multiple of 512 is rounded up, as QEMU does; the bytes after the file's end
/// read as zeros.
///
/// Holes: where the file system knows them (`SEEK_DATA`), ranges without data are never read. Where
/// it does not, and on devices, all of it counts as data.
///
/// The size is asked for once, at the beginning. A file that shrinks afterwards is an error
/// (`shrank`), whether that shows at a read or when its holes are looked for; one that grows is read
/// as long as it was.
///
/// Threads: any number may read at the same time; nothing is kept between two reads.
///
/// Cost: one `pread` a read, two `lseek` a data range.
public final class RawImage: ImageSource {
  private let file: OwnedFile
  private let knowsHoles: Bool
  private let watch: FileWatch

  /// The size of the file, rounded up to 512 bytes.
  public let virtualSize: UInt64
  /// The size of the file or device in bytes.
  public let fileSize: UInt64
  /// The name of the file or device.
  public var path: FilePath { file.path }

  /// Takes over a file that is open for reading.
  ///
  /// - Parameter file: A regular file or a block device.
  /// - Throws: `ImageError` if its size cannot be had or exceeds a disk's.
  public init(_ file: consuming OwnedFile) throws(ImageError) {
    do {
      watch = try FileWatch(file)
      fileSize = try file.size()
      let kind = try file.kind()
      knowsHoles = kind == .regular ? try file.tellsHoles() : false
    } catch {
      throw .io(error)
    }
    try file.requireKnownSize(fileSize)
    guard fileSize <= UInt64(Int64.max) & ~511 else {
      throw .tooLarge(file.path, bytes: fileSize)
    }
    virtualSize = (fileSize + 511) & ~511
    file.adviseSequentialReading()
    self.file = file
  }

  /// Makes sure that the file has the size and the time of change still that it had.
  public func requireUnchanged() throws(ImageError) { try watch.requireUnchanged(file) }

  /// The identity of the file, to tell whether another name leads to it.
  public func identity() throws(ImageError) -> FileIdentity {
    try ImageError.wrappingIO(try file.identity())
  }

  /// The format that the first and last bytes show; nil for raw.
  public func detectedFormat() throws(ImageError) -> ImageFormat? {
    try file.detectedFormat()
  }

  /// The next range that the file system has data for; without knowledge of holes, all of it.
  public func nextData(from offset: GuestOffset) throws(ImageError) -> GuestRange? {
    guard offset.bytes < fileSize else { return nil }
    guard knowsHoles else { return GuestRange(offset, upTo: GuestOffset(fileSize)) }
    let size: UInt64
    do {
      if let start = try file.nextData(from: offset.bytes), start < fileSize {
        let hole = try file.nextHole(from: start) ?? fileSize
        return GuestRange(GuestOffset(start), upTo: GuestOffset(min(hole, fileSize)))
      }
      size = try file.size()
    } catch {
      throw .io(error)
    }
    // A file that was cut off has no data there either, but must not pass for one with a hole.
    guard size >= fileSize else { throw .shrank(path, offset: size) }
    return nil
  }

  /// Reads what memory has of a regular file, up to its end.
  public func reread(into buffer: UnsafeMutableRawBufferPointer, at offset: GuestOffset) -> Bool {
    watch.tellsChanges && file.readCached(into: buffer, at: offset.bytes)
  }

  /// Reads from the file; zeros after its end.
  public func read(
    into buffer: UnsafeMutableRawBufferPointer, at offset: GuestOffset
  ) throws(ImageError) {
    let inFile = min(UInt64(buffer.count), fileSize - min(offset.bytes, fileSize))
    let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int(inFile)])
    let count: Int
    do {
      count = try file.read(into: part, at: offset.bytes)
    } catch {
      throw .io(error)
    }
    guard count == part.count else {
      throw file.shrank(readUpTo: offset.bytes + UInt64(count))
    }
    UnsafeMutableRawBufferPointer(rebasing: buffer[part.count...]).initializeMemory(
      as: UInt8.self, repeating: 0)
  }
}

extension OwnedFile {
  /// Whether the file system says where a file's holes are (some answer EINVAL instead).
  fileprivate borrowing func tellsHoles() throws(IOError) -> Bool {
    do {
      _ = try nextData(from: 0)
      return true
    } catch  where error.reason == .invalidArgument || error.reason == .notSupported {
      return false
    }
  }
}
