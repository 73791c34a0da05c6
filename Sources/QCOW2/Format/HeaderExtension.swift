internal import DiskIO

/// One header extension: a type, a length and data, padded to 8 bytes (qcow2 specification,
/// "Header extensions").
public struct HeaderExtension: Equatable, Sendable {
  /// The extension's type; programs skip types that they do not know.
  public let type: UInt32
  /// The extension's data, without padding.
  public let data: [UInt8]

  /// An extension of any type.
  public init(type: UInt32, data: [UInt8]) {
    self.type = type
    self.data = data
  }

  /// The type of the backing file's format.
  static let backingFormat: UInt32 = 0xE279_2ACA
  /// The type of the feature name table.
  static let featureNames: UInt32 = 0x6803_F857
  /// The type of the place of the header of the encryption.
  static let encryptionHeader: UInt32 = 0x0537_BE77
  /// The type of the list of bitmaps.
  static let bitmaps: UInt32 = 0x2385_2875
  /// The type of the name of the external data file.
  static let dataFileName: UInt32 = 0x4441_5441

  /// The types of the specification.
  static let known: Set<UInt32> = [
    backingFormat, featureNames, encryptionHeader, bitmaps, dataFileName,
  ]

  /// What type and length take in front of the data, in bytes; also the size of the end marker.
  static let prefixSize = 8

  /// The bytes of the extension, padding included.
  package func encoded() -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(bigEndian: type)
    bytes.append(bigEndian: UInt32(data.count))
    bytes.append(contentsOf: data)
    bytes.pad(toMultipleOf: 8)
    return bytes
  }

  /// The marker after the last extension.
  package static let end = HeaderExtension(type: 0, data: [])
}

extension HeaderExtension {
  /// More than any program writes, and few enough to be listed.
  private static let most = 1000

  /// Decodes the extensions after a header, up to the end marker or the end of `bytes`.
  ///
  /// - Parameters:
  ///   - bytes: The first cluster, up to the backing file's name if there is one.
  ///   - start: Where the header ends, at most `bytes.count`.
  /// - Returns: All extensions, of unknown types too, in their order.
  /// - Throws: `FormatError` if one reaches beyond `bytes`, or two have one type; no content makes
  ///   it trap.
  package static func parseAll(_ bytes: [UInt8], from start: Int) throws(FormatError)
    -> [HeaderExtension]
  {
    var (offset, found, types) = (start, [HeaderExtension](), Set<UInt32>())
    while bytes.count - offset >= prefixSize {
      let (type, length) = bytes.withUnsafeBytes {
        ($0.loadBigEndian(UInt32.self, at: offset), $0.loadBigEndian(UInt32.self, at: offset + 4))
      }
      offset += prefixSize
      let name = "header extension 0x\(String(type, radix: 16))"
      try FormatError.require(
        Int(length) <= bytes.count - offset,
        "\(name) at byte \(offset - prefixSize) has \(length) bytes, \(bytes.count - offset) are left"
      )
      if type == end.type { break }
      try FormatError.require(types.insert(type).inserted, "\(name) appears twice")
      try FormatError.require(found.count < most, "more than \(most) header extensions")
      found.append(HeaderExtension(type: type, data: Array(bytes[offset..<offset + Int(length)])))
      offset = min(bytes.count, offset + (Int(length) + 7) & ~7)
    }
    return found
  }
}

extension [HeaderExtension] {
  /// The data of the extension of one type, if there is one.
  func data(of type: UInt32) -> [UInt8]? {
    first { $0.type == type }?.data
  }
}
