internal import DiskImage
package import SystemPackage

/// A file beside the image that the image names: its backing file, or its data file.
///
/// The name comes from the image and is not trusted. Nothing is opened because of it alone.
public struct ExternalFile: Equatable, Sendable {
  /// What the file is to the image. The raw value names it in messages.
  package enum Role: String, Sendable {
    case backingFile = "backing file"
    case dataFile = "data file"
  }

  /// What the file is to the image.
  let role: Role
  /// The name's bytes, as they are in the image.
  let bytes: [UInt8]
  /// The format that the image gives; nil if it gives none.
  public let format: String?

  package init(_ role: Role, _ bytes: [UInt8], format: String? = nil) {
    self.role = role
    self.bytes = bytes
    self.format = format
  }

  /// The name as text.
  public var name: String { String(decoding: bytes, as: UTF8.self) }

  /// The name for messages.
  var quoted: String { name.quoted }

  /// The files that may be meant: one, or two for a relative name that QEMU takes from the folder in
  /// which it was started.
  ///
  /// A relative name begins in the image's folder. For the name of a data file, and for one with
  /// `file:`, QEMU instead begins in the working folder.
  ///
  /// - Parameter image: The image that names the file.
  /// - Returns: The file's path in the image's folder, then, if QEMU takes another, that one.
  /// - Throws: `FormatError` if the name is none of a local file: empty, with a zero byte, or with
  ///   a protocol such as `nbd:` or `json:`.
  package func paths(from image: FilePath) throws(FormatError) -> [FilePath] {
    var (bytes, isFromWorkingFolder) = (bytes, role == .dataFile)
    let head = bytes.prefix { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: ":") }
    if bytes.dropFirst(head.count).first == UInt8(ascii: ":") {
      try FormatError.require(
        head.elementsEqual("file".utf8),
        "\(quoted) is not the name of a local file, and only such files are read")
      bytes.removeFirst(head.count + 1)
      isFromWorkingFolder = true
    }
    try FormatError.require(!bytes.isEmpty && !bytes.contains(0), "\(quoted) is not a file name")
    let name = bytes.map(CChar.init(bitPattern:)) + [0]
    let given = FilePath(platformString: name)
    let besideImage = image.removingLastComponent().pushing(given)
    return isFromWorkingFolder && besideImage != given ? [besideImage, given] : [besideImage]
  }
}
