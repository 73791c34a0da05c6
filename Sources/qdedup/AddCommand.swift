import ArgumentParser
import DiskIO
import DiskImage
import QDedupKit
import SystemPackage

/// `qdedup add`: a disk becomes a version of a file.
struct AddCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add",
    abstract: "Add a disk image to a qcow2 file as a version, sharing all that it has already.",
    discussion: """
      The active disk, which QEMU boots, becomes a copy of the new version. If the command fails or \
      is interrupted, the file is as it was. Cluster size, compression method and hash store are \
      those of the file. A sound qcow2 image without versions takes them too: name its disk with \
      --name-active.

      EXAMPLES
        qdedup add --name tuesday golden.qcow2 tuesday.img
        qdedup add --keep-active --name try golden.qcow2 try.img
        zstd -dc wednesday.img.zst | qdedup add --name wednesday golden.qcow2 -

      EXIT STATUS
        0 done, 1 failed, 2 done, but a rule of --fail-if is broken, 64 wrong usage, 130 \
      interrupted (by SIGINT, SIGTERM, SIGHUP or SIGQUIT)
      """)

  @OptionGroup var argument: VersionsFileArgument

  @Argument(
    help: "A raw or qcow2 image, a block device, or - for standard input.", completion: .file())
  var input: String

  @Option(help: ArgumentHelp("The name of the new version.", valueName: "name"))
  var name: VersionName

  @Flag(help: "Leave the active disk as it is.")
  var keepActive = false

  @OptionGroup(title: "Input") var inputOptions: InputOptions
  @OptionGroup(title: "Active disk") var active: ActiveDiskOptions
  @OptionGroup(title: "Version") var date: DateOption
  @OptionGroup(title: "Report and progress") var reportOptions: ReportOptions

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "How hard to compress, if the file is compressed: a level of its method.", valueName: "n"))
  var compressionLevel: Int?

  @Flag(help: "Read the new version back and compare it with the input before it counts.")
  var verify = false

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "How many threads work, 1 to \(ThreadCount.range.upperBound). (default: the processors)"))
  var threads = ThreadCount.standard

  func validate() throws {
    if input.isEmpty { throw ValidationError("The input's name is empty.") }
    try ImageName.requireFile(
      input, orPipeInto: "qdedup add --name \(name.text.shellWord) \(argument.file.shellWord) -")
    if keepActive, active.value != .refuse {
      throw ValidationError(
        "--keep-active leaves the active disk as it is; leave out --name-active and --discard-active."
      )
    }
  }

  func run() throws {
    Interruption.install()
    let options = try options()
    let earlier = try reportOptions.earlierReport()
    let reportFile = try openReportFile()
    let display = reportOptions.progressStyle.map { ProgressDisplay($0, Interruption.progress) }
    let outcome = Result { () throws(ConversionError) in
      try VersionAdder(options, progress: Interruption.progress).run()
    }
    display?.stop()
    switch outcome {
    case .success(let report):
      try reportOptions.deliver(
        report, to: reportFile, comparedWith: earlier,
        subject: "the version \(name.text.quoted)")
    case .failure(let error):
      let code = error.isInterruption ? ExitCode(Interruption.exitCode) : .failure
      throw Terminal.fail(error, context, code: code)
    }
  }

  /// Opens the report file. It replaces nothing but a report: there is no --force here.
  private func openReportFile() throws -> ReportFile? {
    guard let name = reportOptions.reportFile else { return nil }
    if FilePath(name).leadsToSameFile(as: argument.path) {
      throw Terminal.fail("\(name) is the file with versions; choose another name for the report")
    }
    do { return try ReportFile(FilePath(name), replacesAnything: false) } catch {
      throw Terminal.fail("\(error)")
    }
  }

  private func options() throws -> AddOptions {
    var options = AddOptions(
      argument.path, input: input == "-" ? .standardInput : .file(FilePath(input)), name: name,
      threads: threads.count)
    options.input = inputOptions.reading(input)
    options.seconds = try date.value().resolved
    options.keepsActive = keepActive
    options.active = active.value
    options.compressionLevel = compressionLevel
    options.verifies = verify
    options.run.reportFile = reportOptions.reportFile.map { FilePath($0) }
    return options
  }

  /// What the words of an error depend on.
  private var context: ErrorText.Context {
    .init(command: "add", readsStandardInput: input == "-")
  }
}
