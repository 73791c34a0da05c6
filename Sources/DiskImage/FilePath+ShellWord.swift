package import SystemPackage

extension FilePath {
  /// The path as a word for a shell that names the file to any program: with `./` in front if it looks
  /// like an option, or like a protocol to QEMU.
  package var shellWord: String {
    let looksLikeProtocol = string.prefix { $0 != "/" }.contains(":")
    return (string.hasPrefix("-") || looksLikeProtocol ? "./" + string : string).shellWord
  }
}
