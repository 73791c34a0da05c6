public import DiskIO
public import DiskImage

extension QCOW2Image {
  /// What of an image to read, and what is allowed for it.
  public struct Options: Sendable {
    /// The internal snapshot to read, by id or name; nil for the image as it is now.
    public var snapshot: String?
    /// Whether files that the image names, its backing file and its data file, are opened.
    public var followsExternalFiles = false
    /// Whether to read although a running QEMU may write to one of the files.
    public var ignoresLocks = false

    /// The image as it is now, by itself.
    public init() {}
  }

  /// Opens an image and, if that is allowed, the files that it names.
  ///
  /// - Parameters:
  ///   - file: The image, open for reading and, unless locks are ignored, locked.
  ///   - options: What to read.
  /// - Returns: The image.
  /// - Throws: `ImageError` if the image is damaged, uses what is not supported, or names files
  ///   that are not allowed or cannot be opened.
  public static func open(
    _ file: consuming OwnedFile, _ options: Options = Options()
  ) throws(ImageError) -> QCOW2Image {
    var chain = ImageChain(options)
    return try chain.open(try ImageFile(file))
  }
}
