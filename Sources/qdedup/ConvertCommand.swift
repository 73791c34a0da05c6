import ArgumentParser
import DiskImage
import QDedupKit
import DiskIO
import SystemPackage

/// `qdedup convert`: options, checked before any I/O, then one conversion.
struct ConvertCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert",
    abstract: "Convert a disk image to a qcow2 image in which equal clusters are stored once.",
    discussion: """
      The output appears under its name only when it is complete. The same input and \
      options give the same bytes on every run, whatever the number of threads.

      EXAMPLES
        qdedup convert disk.img disk.qcow2
        qdedup convert -c --verify --force old.qcow2 disk.qcow2
        qdedup convert -l before-update vm.qcow2 disk.qcow2
        qdedup convert -q --report-file report.json disk.img disk.qcow2
        qdedup convert --fail-if 'output.file_size>2G' disk.img disk.qcow2
        qdedup convert --compare-report old.json --report markdown disk.img disk.qcow2
        set -o pipefail; zstd -dc disk.img.zst | qdedup convert - disk.qcow2

      The end of a pipe is the end of the disk: the program that writes to it may have failed, and \
      only the shell knows (pipefail).

      EXIT STATUS
        0 done, 1 failed (if only the report could not be written, the message says that the \
      output is complete), 2 done, but a rule of --fail-if is broken, 64 wrong usage, 130 \
      interrupted (by SIGINT, SIGTERM, SIGHUP or SIGQUIT)
      """)

  @Argument(
    help: """
      A raw or qcow2 image, a block device, or - for standard input: a raw image from a pipe, or a \
      file (- <disk.img).
      """,
    completion: .file())
  var input: String

  @Argument(help: "The qcow2 image to make.", completion: .file(extensions: ["qcow2"]))
  var output: String

  @OptionGroup(title: "Input") var inputOptions: InputOptions
  @OptionGroup(title: "Output") var outputOptions: OutputOptions
  @OptionGroup(title: "Versions") var versionOptions: NewVersionOptions
  @OptionGroup(title: "Hash store") var storeOptions: StoreOptions
  @OptionGroup(title: "Report and progress") var reportOptions: ReportOptions

  func validate() throws {
    try validateNames()
    if versionOptions.allSnapshots, inputOptions.snapshot != nil {
      throw ValidationError("--all-snapshots and --snapshot exclude each other.")
    }
    if versionOptions.name != nil, storeOptions.hashStore == false {
      throw ValidationError(
        "A file with versions needs its hash store; leave out --no-hash-store or --name.")
    }
  }

  private func validateNames() throws {
    if input.isEmpty || output.isEmpty {
      throw ValidationError("A file name is empty; name both an input and an output.")
    }
    if output == "-" {
      throw ValidationError(
        "A qcow2 image cannot be written to a pipe; name a file as OUTPUT.")
    }
    if DescriptorName.number(FilePath(output)) != nil {
      throw ValidationError(
        "\(output) is an open stream, and a qcow2 image is a new file; name a file as OUTPUT.")
    }
    if output.hasSuffix("/") {
      throw ValidationError("\(output) names a directory; name a file as OUTPUT.")
    }
    try ImageName.requireFile(
      input, orPipeInto: "qdedup convert - \(output.shellWord)")
    if ImageName.isURL(output) {
      throw ValidationError("A URL cannot be written to; name a file as OUTPUT.")
    }
  }

  func run() throws {
    Interruption.install()
    let progress = Interruption.progress
    let earlier = try reportOptions.earlierReport()
    let reportFile = try openReportFile()
    let display = reportOptions.progressStyle.map { ProgressDisplay($0, progress) }
    let outcome = Result { () throws(ConversionError) in
      try Converter(options, progress: progress).run()
    }
    display?.stop()
    switch outcome {
    case .success(let report):
      try reportOptions.deliver(
        report, to: reportFile, comparedWith: earlier, subject: output)
    case .failure(let error):
      let code = error.isInterruption ? ExitCode(Interruption.exitCode) : .failure
      throw Terminal.fail(error, context, code: code)
    }
  }

  /// Opens the report file, unless it is the input or the output.
  private func openReportFile() throws -> ReportFile? {
    guard let name = reportOptions.reportFile else { return nil }
    do throws(ConversionError) { try options.checkReportFile() } catch {
      throw Terminal.fail(error, context)
    }
    do {
      return try ReportFile(FilePath(name), replacesAnything: outputOptions.force)
    } catch {
      if Interruption.progress.isCancelled {
        throw Terminal.fail(
          ConversionError.interrupted.description, code: ExitCode(Interruption.exitCode))
      }
      throw Terminal.fail("\(error)")
    }
  }

  private var options: ConvertOptions {
    let clusters = outputOptions.clusters(ofVersions: versionOptions.name != nil)
    var options = ConvertOptions(
      input: input == "-" ? .standardInput : .file(FilePath(input)), output: FilePath(output),
      geometry: clusters.geometry, threads: outputOptions.threads.count)
    options.input = inputOptions.reading(input)
    options.output.choosesClusterSize = clusters == .automatic
    options.output.compression = outputOptions.compression
    options.output.verifies = outputOptions.verify
    options.output.replaces = outputOptions.force
    options.output.syncs = !outputOptions.noSync
    options.output.version = versionOptions.version
    options.output.convertsSnapshots = versionOptions.allSnapshots
    options.store.memory = storeOptions.indexMemory
    options.store.maxIncarnations = storeOptions.maxIncarnations
    options.store.order = storeOptions.logStoreOrder?.value
    options.store.isKept = storeOptions.keepsHashStore(
      clusterSize: options.output.geometry.clusterSize, hasVersions: versionOptions.name != nil)
    options.run.reportFile = reportOptions.reportFile.map { FilePath($0) }
    return options
  }

  /// What the words of an error depend on.
  private var context: ErrorText.Context {
    .init(
      command: "convert", output: output, readsStandardInput: input == "-",
      replaces: outputOptions.force)
  }
}
