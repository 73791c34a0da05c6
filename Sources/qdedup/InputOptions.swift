import ArgumentParser
import QDedupKit
import SystemPackage

/// The formats that `--format` takes.
enum InputFormat: String, ExpressibleByArgument, CaseIterable {
  case raw, qcow2

  /// The format as the conversion knows it.
  var value: QDedupKit.InputOptions.Format { self == .raw ? .raw : .qcow2 }
}

/// How the input is read.
struct InputOptions: ParsableArguments {
  @Option(
    name: [.short, .long],
    help: ArgumentHelp(
      "Read the input as this format: raw or qcow2. (default: by content)",
      discussion: """
        Known other formats are refused, and the message says how to convert them; with raw, the bytes are \
        taken as they are.
        """))
  var format: InputFormat?

  @Option(
    name: [.customShort("l"), .long],
    help: ArgumentHelp(
      "Convert this internal snapshot of a qcow2 image, found by its id or else its name.",
      valueName: "name|id"))
  var snapshot: String?

  @Flag(
    help: ArgumentHelp(
      "Open the backing file or data file that a qcow2 image names.",
      discussion: """
        Refused by default: the name comes from the image, which may be from a stranger, and the \
        contents of that file would become part of the output.
        """))
  var allowExternalFiles = false

  @Flag(
    name: [.customShort("U"), .long],
    help: ArgumentHelp(
      "Read the input although a running QEMU holds it.",
      discussion: "What it changes during the conversion is an error, or lost with --allow-changes."
    )
  )
  var forceShare = false

  @Flag(
    help: ArgumentHelp(
      "Convert the input although it changes while it is read.",
      discussion: """
        Without it, a file that grows, shrinks or is written to in the meantime is an error, and \
        there is no output.
        """))
  var allowChanges = false

  /// The same for the library, for the input of that name.
  func reading(_ name: String) -> QDedupKit.InputOptions {
    var options = QDedupKit.InputOptions(name == "-" ? .standardInput : .file(FilePath(name)))
    options.format = format?.value
    options.snapshot = snapshot
    options.followsExternalFiles = allowExternalFiles
    options.ignoresLocks = forceShare
    options.allowsChanges = allowChanges
    return options
  }
}
