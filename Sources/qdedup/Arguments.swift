import ArgumentParser
import CQDedupShims
import DiskImage
import DiskIO
import SystemPackage

/// The first argument, where a command is expected.
enum CommandName {
  /// What is wrong with the command that `arguments` begin with; nil if nothing is, or if they begin
  /// with an option.
  static func problem(_ arguments: [String]) -> String? {
    guard let name = arguments.first, !name.hasPrefix("-") else { return nil }
    if name == help { return problem(Array(arguments.dropFirst())) }
    let commands = QDedup.configuration.subcommands.compactMap { $0.configuration.commandName }
    if commands.contains(name) { return nil }
    return "there is no command '\(name)'; \(advice(arguments, commands))"
  }

  private static let help = "help"

  private static func advice(_ arguments: [String], _ commands: [String]) -> String {
    let name = arguments[0]
    let nearest = (commands + [help]).min { distance(name, $0) < distance(name, $1) }
    if let nearest, distance(name, nearest) <= 2, !name.isEmpty {
      return "did you mean '\(nearest)'?"
    }
    if isFile(name), !ImageName.isURL(name) {
      let words = arguments + (arguments.count == 1 ? ["disk.qcow2"] : [])
      return "to convert it: qdedup convert \(words.map(\.shellWord).joined(separator: " "))"
    }
    return "the commands are \(commands.joined(separator: ", ")) (see qdedup --help)"
  }

  /// Whether a name looks like that of a file, or is one.
  private static func isFile(_ name: String) -> Bool {
    name.contains(".") || name.contains("/")
      || (try? FileIdentity(of: FilePath(name))).flatMap { $0 } != nil
  }

  /// How many characters must be put in, left out or changed to make one word of another
  /// (Levenshtein).
  private static func distance(_ left: String, _ right: String) -> Int {
    var row = Array(0...right.count)
    for (index, character) in left.enumerated() {
      var diagonal = row[0]
      row[0] = index + 1
      for (column, other) in right.enumerated() {
        let changed = diagonal + (character == other ? 0 : 1)
        diagonal = row[column + 1]
        row[column + 1] = min(changed, row[column] + 1, diagonal + 1)
      }
    }
    return row[right.count]
  }
}

/// The arguments as the system hands them over.
///
/// Swift reads them from /proc, which is not everywhere, and replaces what is no UTF-8, so that the
/// name that comes of it is that of another file.
enum RawArguments {
  /// All of them, without the program's name.
  static var words: [String] { strings.dropFirst().map { String(cString: $0) } }

  /// What is wrong with the first argument that is not valid UTF-8; nil if all are.
  static var problem: String? {
    for argument in strings.dropFirst() where String(validatingCString: argument) == nil {
      return """
        the argument \(escaped(argument)) is not valid UTF-8, and would be taken for another name; \
        rename the file, or make a symbolic link to it or to its folder (ln -s) and name that
        """
    }
    return nil
  }

  private static var strings: [UnsafeMutablePointer<CChar>] {
    UnsafeBufferPointer(start: qdedup_arguments(), count: Int(qdedup_argument_count()))
      .compactMap { $0 }
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

/// The name of an image, as it is on the command line.
enum ImageName {
  /// Makes sure that `name` is that of a file.
  ///
  /// - Parameters:
  ///   - name: The name as the user wrote it.
  ///   - command: What reads a raw image from standard input; nil if nothing does.
  /// - Throws: `ValidationError` if it is a URL, which QEMU's own programs read.
  static func requireFile(_ name: String, orPipeInto command: String? = nil) throws {
    guard isURL(name) else { return }
    let alternative = command.map {
      NBDLine(url: name, into: $0).map { ", or read it without one: \($0.text)" }
        ?? ", or pipe it as a raw image into \($0)"
    }
    throw ValidationError(
      """
      URLs are not read; save \(name) to a file first\(alternative ?? ""). A file of that name is \
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

/// Options that users of `qemu-img convert` are used to, and what they are called here.
enum Habits {
  private static let hints: [(option: String, hint: String)] = [
    ("-O", "the output is always qcow2: leave out -O and its format"),
    ("-p", "a terminal shows progress by itself; elsewhere --progress always or json does"),
    ("-o", "--cluster-size, --compression-type and the like are options of their own"),
    ("-W", "clusters are written as they come: leave out -W"),
    ("-m", "--threads sets how much is done at a time"),
    ("-S", "clusters of zeros are always left out: leave out -S"),
    ("-n", "the output is always a new file: leave out -n, or replace one with --force"),
    ("-t", "the page cache is used as it is: leave out -t"),
    ("-T", "the page cache is used as it is: leave out -T"),
    ("-B", "the output has no backing file: leave out -B"),
  ]

  /// What to say to the first such option; nil if there is none.
  static func hint(_ words: [String]) -> String? {
    let options = words.prefix { $0 != "--" }
    for word in options {
      for (option, hint) in hints where word == option || isJoined(word, option) {
        return "Hint: \(hint)."
      }
    }
    return nil
  }

  /// Whether an option has its value in the same word: `-Oqcow2`, `-m16`.
  private static func isJoined(_ word: String, _ option: String) -> Bool {
    ["-O", "-o", "-m", "-S"].contains(option) && word.hasPrefix(option) && !word.hasPrefix("--")
  }
}
