import ArgumentParser
import QDedupKit
import SystemPackage

/// The file of a command about versions.
struct VersionsFileArgument: ParsableArguments {
  @Argument(
    help: "A qcow2 file with versions.", completion: .file(extensions: ["qcow2"]))
  var file: String

  func validate() throws {
    if file.isEmpty { throw ValidationError("The file's name is empty.") }
    if file == "-" {
      throw ValidationError(
        "Versions are at many places in a file, which a pipe does not allow; name a file.")
    }
    try ImageName.requireFile(file)
  }

  var path: FilePath { FilePath(file) }
}

/// `qdedup versions`: what versions a file has.
struct VersionsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "versions",
    abstract: "List the versions of a file, and what each of them takes.",
    discussion: """
      Own bytes are what only that version has: what its removal would give back.

      EXAMPLES
        qdedup versions golden.qcow2
        qdedup versions --json golden.qcow2 | jq -r '.versions[].name'

      EXIT STATUS
        0 done, 1 failed, 64 wrong usage
      """)

  @OptionGroup var argument: VersionsFileArgument

  @Flag(
    help: "Print a JSON object instead of text (Documentation/VersionsSchema.json describes it).")
  var json = false

  func run() throws {
    let list = try orFail { () throws(ConversionError) in
      try VersionLister(argument.path).run()
    }
    try Terminal.write(
      json ? try JSONText.pretty(list) + "\n" : Terminal.legible(VersionsText.list(list)))
  }
}

/// `qdedup remove`: versions leave a file.
struct RemoveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove",
    abstract: "Remove versions from a file, and give their room back to the file system.",
    discussion: """
      The version that the active disk is a copy of always stays, or one that is equal to it. If the \
      command fails or is interrupted, the file is as it was.

      EXAMPLES
        qdedup remove golden.qcow2 monday tuesday
        qdedup remove --keep-last 30 golden.qcow2

      EXIT STATUS
        0 done (also if there was nothing to remove), 1 failed, 64 wrong usage, 130 interrupted
      """)

  @OptionGroup var argument: VersionsFileArgument

  @Argument(help: "The names or ids of the versions to remove.")
  var names: [String] = []

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Remove all but the newest versions, so many, 1 or more.", valueName: "n"))
  var keepLast: Int?

  @OptionGroup(title: "Active disk") var active: ActiveDiskOptions
  @OptionGroup var date: DateOption
  @OptionGroup(title: "Report") var output: ChangeReportOptions

  func validate() throws {
    if let keepLast, keepLast < 1 {
      throw ValidationError("--keep-last is \(keepLast), must be 1 or more.")
    }
    guard names.isEmpty != (keepLast == nil) else {
      throw ValidationError("Name versions to remove, or say --keep-last N: one of the two.")
    }
  }

  func run() throws {
    Interruption.install()
    let selection = keepLast.map { VersionSelection.allButLast($0) } ?? .named(names)
    let seconds = try date.value().resolved
    let report = try orFail { () throws(ConversionError) in
      try VersionRemover(
        argument.path, selection, active: active.value, seconds: seconds,
        progress: Interruption.progress
      ).run()
    }
    try output.show(report)
  }
}

/// `qdedup activate`: the active disk becomes a version again.
struct ActivateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "activate",
    abstract: "Make the active disk, which QEMU boots, a copy of a version.",
    discussion: """
      No data moves, whatever the size. If the command fails or is interrupted, the file is as it \
      was.

      EXAMPLES
        qdedup activate golden.qcow2 monday
        qdedup activate --name-active tried golden.qcow2 monday

      EXIT STATUS
        0 done (also if it was active already), 1 failed, 64 wrong usage, 130 interrupted
      """)

  @OptionGroup var argument: VersionsFileArgument

  @Argument(help: "The name or id of the version.")
  var name: String

  @OptionGroup(title: "Active disk") var active: ActiveDiskOptions
  @OptionGroup var date: DateOption
  @OptionGroup(title: "Report") var output: ChangeReportOptions

  func run() throws {
    Interruption.install()
    let seconds = try date.value().resolved
    let report = try orFail { () throws(ConversionError) in
      try VersionActivator(
        argument.path, name, active: active.value, seconds: seconds,
        progress: Interruption.progress
      ).run()
    }
    try output.show(report)
  }
}

/// `qdedup diff`: where two versions differ.
struct DiffCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract: "Show where the disks of two versions differ.",
    discussion: """
      The tables are compared, no data is read. What is listed may differ; what is not is equal.

      EXAMPLES
        qdedup diff golden.qcow2 monday tuesday
        qdedup diff --json golden.qcow2 monday tuesday | jq .differing_bytes

      EXIT STATUS
        0 done, whether they differ or not, 1 failed, 64 wrong usage
      """)

  @OptionGroup var argument: VersionsFileArgument

  @Argument(help: "The name or id of a version.")
  var first: String

  @Argument(help: "The name or id of the other version.")
  var second: String

  @Flag(help: "Print a JSON object instead of text (Documentation/DiffSchema.json describes it).")
  var json = false

  func run() throws {
    let difference = try orFail { () throws(ConversionError) in
      try VersionDiffer(argument.path, first, second).run()
    }
    try Terminal.write(
      json
        ? try JSONText.pretty(difference) + "\n"
        : Terminal.legible(VersionsText.difference(difference)))
  }
}

/// How a removal or an activation is reported.
struct ChangeReportOptions: ParsableArguments {
  @Option(
    help: """
      The report on standard output (Documentation/VersionsReportSchema.json describes json). \
      (default: text, or none with --quiet)
      """)
  var report: PlainReportFormat?

  @Flag(name: [.short, .long], help: "Say nothing but errors.")
  var quiet = false

  /// Shows a report on standard output.
  func show(_ result: VersionsReport) throws {
    switch report ?? (quiet ? PlainReportFormat.none : .text) {
    case .none: return
    case .json: try Terminal.write(try JSONText.pretty(result) + "\n")
    case .text: try Terminal.write(Terminal.legible(VersionsText.report(result)))
    }
  }
}

/// Runs an operation; its failure ends the program, with what can be done about it.
func orFail<Result>(
  _ body: () throws(ConversionError) -> Result
) throws -> Result {
  do throws(ConversionError) {
    return try body()
  } catch {
    let code = error.isInterruption ? ExitCode(Interruption.exitCode) : .failure
    throw Terminal.fail(error, code: code)
  }
}
