internal import DiskIO

extension HeaderExtension {
  /// More than any program writes, and few enough to be listed.
  private static let most = 1000

  /// Decodes the extensions behind a header, up to the end marker or the end of `bytes`.
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
