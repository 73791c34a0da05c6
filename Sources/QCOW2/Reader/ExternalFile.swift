internal import DiskImage
package import SystemPackage

/// A file beside the image that the image names: its backing file, or its data file.
///
/// The name comes from whoever made the image. Nothing is opened because of it alone.
public struct ExternalFile: Equatable, Sendable {
  /// The name's bytes, as they stand in the image.
  let bytes: [UInt8]
  /// The format that the image gives; nil if it gives none.
  public let format: String?

  package init(_ bytes: [UInt8], format: String? = nil) {
    self.bytes = bytes
    self.format = format
  }

  /// The name as text.
  public var name: String { String(decoding: bytes, as: UTF8.self) }

  /// The name for messages.
  var quoted: String { name.quoted }

  /// The file that is meant.
  ///
  /// - Parameter image: The image that names it: a relative name begins in that image's folder.
  /// - Returns: The file's path.
  /// - Throws: `FormatError` if the name is none of a local file: empty, with a zero byte, or with
  ///   a protocol such as `nbd:` or `json:`.
  package func path(from image: FilePath) throws(FormatError) -> FilePath {
    var bytes = bytes
    let head = bytes.prefix { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: ":") }
    if bytes.dropFirst(head.count).first == UInt8(ascii: ":") {
      try FormatError.require(
        head.elementsEqual("file".utf8),
        "\(quoted) is not the name of a local file, and only such files are read")
      bytes.removeFirst(head.count + 1)
    }
    try FormatError.require(!bytes.isEmpty && !bytes.contains(0), "\(quoted) is not a file name")
    let name = bytes.map(CChar.init(bitPattern:)) + [0]
    return image.removingLastComponent().pushing(FilePath(platformString: name))
  }
}
