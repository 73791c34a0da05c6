public import DiskIO
public import SystemPackage

extension OwnedFile {
  /// Opens a file that an image is in; a failure is an error of the image.
  public init(readingImage path: FilePath) throws(ImageError) {
    do { try self.init(readingFrom: path) } catch { throw .io(error) }
  }

  /// What kind of file this is; a failure is an error of the image.
  public borrowing func imageKind() throws(ImageError) -> FileKind {
    do { return try kind() } catch { throw .io(error) }
  }

  /// Makes sure that the file can be read at any place: a regular file or a block device.
  ///
  /// - Throws: `ImageError.notAnImage` if it is something else.
  public borrowing func requireRandomAccess() throws(ImageError) {
    let kind = try imageKind()
    guard kind == .regular || kind == .blockDevice else { throw .notAnImage(path, kind) }
  }

  /// What tells the file from others; a failure is an error of the image.
  public borrowing func imageIdentity() throws(ImageError) -> FileIdentity {
    do { return try identity() } catch { throw .io(error) }
  }

  /// The format that the first and last bytes show; nil for raw.
  public borrowing func detectedFormat() throws(ImageError) -> ImageFormat? {
    do {
      let size = try size()
      let tailStart = size - min(size, UInt64(ImageFormat.tailSize))
      return ImageFormat(
        head: try bytes(upTo: ImageFormat.headSize, at: 0),
        tail: try bytes(upTo: ImageFormat.tailSize, at: tailStart))
    } catch {
      throw .io(error)
    }
  }

  private borrowing func bytes(upTo count: Int, at offset: UInt64) throws(IOError) -> [UInt8] {
    let buffer = try AlignedBuffer(byteCount: count, purpose: "the ends of an image")
    return Array(buffer.bytes[..<(try read(into: buffer.bytes, at: offset))])
  }
}
