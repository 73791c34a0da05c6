internal import DiskIO
internal import DiskImage
internal import SystemPackage

/// The disk on an output, which may be a larger device.
struct ReadBackDisk: ImageSource {
  private let image: RawImage
  let virtualSize: UInt64

  /// The first `virtualSize` bytes of an output, as they are on the disk and not in memory.
  ///
  /// - Parameters:
  ///   - output: What was written to.
  ///   - virtualSize: The size of the disk.
  ///   - reopen: Opens the output once more, for reading.
  /// - Throws: `ConversionError` if it cannot be synced or opened.
  init(
    of output: borrowing OwnedFile, _ virtualSize: UInt64,
    reopen: () throws(IOError) -> OwnedFile
  ) throws(ConversionError) {
    let file: OwnedFile
    do {
      try output.sync()
      output.dropCache()
      file = try reopen()
    } catch {
      throw .io(error)
    }
    do { image = try RawImage(file) } catch { throw .image(error) }
    self.virtualSize = virtualSize
  }

  var path: FilePath { image.path }
  var fileSize: UInt64 { image.fileSize }

  func nextData(from offset: GuestOffset) throws(ImageError) -> GuestRange? {
    guard let range = try image.nextData(from: offset), range.start.bytes < virtualSize else {
      return nil
    }
    return GuestRange(range.start, upTo: min(range.end, GuestOffset(virtualSize)))
  }

  func read(
    into buffer: UnsafeMutableRawBufferPointer, at offset: GuestOffset
  ) throws(ImageError) {
    try image.read(into: buffer, at: offset)
  }
}
