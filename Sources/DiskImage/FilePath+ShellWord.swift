package import SystemPackage

extension FilePath {
  /// The path as a word for a shell that names the file to any program: in quotes if it has characters
  /// that mean something to the shell, and with `./` if it looks like an option, or like a protocol
  /// to QEMU.
  package var shellWord: String {
    let name = string.hasPrefix("-") || looksLikeProtocol ? "./" + string : string
    let isPlain = name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        true
      default: "/._-+,:@%".utf8.contains(byte)
      }
    }
    if isPlain { return name }
    let parts = name.split(separator: "'", omittingEmptySubsequences: false)
    return "'" + parts.joined(separator: "'\\''") + "'"
  }

  private var looksLikeProtocol: Bool {
    string.prefix { $0 != "/" }.contains(":")
  }
}
