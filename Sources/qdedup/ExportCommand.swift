import ArgumentParser
import Glibc
import QDedupKit
import SystemPackage

/// `qdedup export`: options, checked before any I/O, then one export.
struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write the disk of an image, or of a snapshot of it, as raw bytes.",
    discussion: """
      The output is a sparse file, a block device, or - for standard output. A file appears under \
      its name only when it is complete. It has the size that the disk, or the snapshot's disk, \
      has in the image.

      EXAMPLES
        qdedup export disk.qcow2 disk.img
        qdedup export -l before-update vm.qcow2 disk.img
        qdedup export --force --verify disk.qcow2 /dev/sdx
        set -o pipefail; qdedup export disk.qcow2 - | zstd >disk.img.zst

      A device is overwritten from its beginning, zeros included; it may be larger than the disk, \
      and what follows the disk stays. It must not be in use.

      EXIT STATUS
        0 done, 1 failed (if only the report could not be written, the message says that the \
      output is complete), 64 wrong usage, 130 interrupted (by SIGINT, SIGTERM, SIGHUP or SIGQUIT)
      """)

  @Argument(
    help: "A qcow2 or raw image, or a block device that holds one.", completion: .file())
  var image: String

  @Argument(
    help: "The raw file to make, a block device to write to, or - for standard output.",
    completion: .file())
  var output: String

  @OptionGroup(title: "Image") var inputOptions: InputOptions
  @OptionGroup(title: "Output") var outputOptions: ExportOutputOptions
  @OptionGroup(title: "Report and progress") var reportOptions: ExportReportOptions

  func validate() throws {
    if image.isEmpty || output.isEmpty {
      throw ValidationError("A file name is empty; name both an image and an output.")
    }
    if image == "-" {
      throw ValidationError(
        "An image is read at many places, which a pipe (-) does not allow; save it to a file first."
      )
    }
    try ImageName.requireFile(image)
    if ImageName.isURL(output) {
      throw ValidationError("A URL cannot be written to; name a file or a device as OUTPUT.")
    }
    if output.hasSuffix("/") {
      throw ValidationError("\(output) names a directory; name a file in it as OUTPUT.")
    }
    if isStandardOutput { try validateStandardOutput() }
  }

  private func validateStandardOutput() throws {
    if outputOptions.verify {
      throw ValidationError(
        "--verify reads the output back, which standard output (-) does not allow.")
    }
    if isatty(STDOUT_FILENO) == 1 {
      throw ValidationError(
        "A disk is nothing for a terminal; pipe it into another program, or name a file as OUTPUT.")
    }
  }

  private var isStandardOutput: Bool { output == "-" }

  func run() throws {
    Interruption.install()
    let progress = Interruption.progress
    let display = reportOptions.progressStyle.map { ProgressDisplay($0, progress) }
    let outcome = Result { () throws(ExportError) in
      try Exporter(options, progress: progress).run()
    }
    display?.stop()
    switch outcome {
    case .success(var report):
      report.warnings = report.warnings.map(\.inWords)
      do {
        try reportOptions.show(report, onStandardError: isStandardOutput)
      } catch {
        throw Terminal.fail("\(output) is complete; only its report is missing: \(error)")
      }
    case .failure(let error):
      let code = error.isInterruption ? ExitCode(Interruption.exitCode) : .failure
      throw Terminal.fail(error, context, code: code)
    }
  }

  private var options: ExportOptions {
    var options = ExportOptions(
      input: inputOptions.reading(image),
      output: isStandardOutput ? .standardOutput : .path(FilePath(output)),
      threads: outputOptions.threads.count)
    options.overwrites = outputOptions.force
    options.verifies = outputOptions.verify
    options.syncs = !outputOptions.noSync
    return options
  }

  /// What the words of an error depend on.
  private var context: ErrorText.Context {
    .init(command: "export", output: output, replaces: outputOptions.force)
  }
}
