import ArgumentParser
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
