/// The arguments as the system hands them over.
///
/// Swift replaces what is no UTF-8, and the name that comes of it is that of another file.
enum RawArguments {
  /// What is wrong with the first argument that is not valid UTF-8; nil if all are.
  static var problem: String? {
    let arguments = UnsafeBufferPointer(
      start: CommandLine.unsafeArgv, count: Int(CommandLine.argc))
    for case let argument? in arguments.dropFirst() where String(validatingCString: argument) == nil
    {
      return """
        the argument \(escaped(argument)) is not valid UTF-8, and would be taken for another name; \
        rename the file, or make a symbolic link to it or to its folder (ln -s) and name that
        """
    }
    return nil
  }

  /// The argument as a shell takes it between `$'` and `'`, with what is no plain text as `\xNN`.
  private static func escaped(_ argument: UnsafePointer<CChar>) -> String {
    var (text, place) = ("", argument)
    while place.pointee != 0 {
      let byte = UInt8(bitPattern: place.pointee)
      switch byte {
      case UInt8(ascii: "\\"), UInt8(ascii: "'"): text += "\\\(Character(Unicode.Scalar(byte)))"
      case 0x20..<0x7F: text.unicodeScalars.append(Unicode.Scalar(byte))
      default: text += "\\x" + (byte < 0x10 ? "0" : "") + String(byte, radix: 16)
      }
      place += 1
    }
    return "$'\(text)'"
  }
}
