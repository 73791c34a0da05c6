import ArgumentParser

/// The name of an image, as it stands on the command line.
enum ImageName {
  /// Makes sure that `name` is that of a file.
  ///
  /// - Parameters:
  ///   - name: The name as the user wrote it.
  ///   - alternative: What else the user may do, behind "save it to a file first".
  /// - Throws: `ValidationError` if it is a URL, which QEMU's own programs read.
  static func requireFile(_ name: String, or alternative: String = "") throws {
    guard isURL(name) else { return }
    throw ValidationError(
      """
      URLs are not read; save \(name) to a file first\(alternative). A file of that name is \
      reached as ./\(name).
      """)
  }

  /// Whether a name begins with a scheme, such as `https://`.
  static func isURL(_ name: String) -> Bool {
    guard let colon = name.firstIndex(of: ":") else { return false }
    let scheme = name[..<colon].utf8
    return !scheme.isEmpty && name[colon...].hasPrefix("://")
      && scheme.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"),
          UInt8(ascii: "."):
          true
        default: false
        }
      }
  }
}
