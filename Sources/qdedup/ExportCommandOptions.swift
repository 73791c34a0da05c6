import ArgumentParser
import QDedupKit

/// How the output of an export is made.
struct ExportOutputOptions: ParsableArguments {
  @Flag(
    help: """
      Read the output back, from the disk and not from memory, and compare it with the image. A \
      file gets its name afterwards.
      """)
  var verify = false

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The number of threads, 1 to \(ThreadCount.range.upperBound). (default: the processors)"))
  var threads = ThreadCount.standard

  @Flag(
    help: """
      Replace the file if it exists, in one step at the end; overwrite the block device, whatever \
      is on it.
      """)
  var force = false

  @Flag(help: "Do not wait until the output is on the disk.")
  var noSync = false
}

/// What is said about an export, and where.
struct ExportReportOptions: ParsableArguments {
  @Option(
    help: """
      The report on standard output (Documentation/ExportSchema.json describes json). (default: \
      text, or none with --quiet). When the disk goes to standard output, a report is shown only \
      if it is asked for, and on standard error.
      """)
  var report: PlainReportFormat?

  @OptionGroup var progressOptions: ProgressOptions

  /// How progress is shown; nil for not at all.
  var progressStyle: ProgressStyle? { progressOptions.style }

  /// Shows a report.
  ///
  /// - Throws: `ReportFailure`.
  func show(_ result: ExportReport, onStandardError: Bool) throws {
    let isQuiet = progressOptions.quiet || onStandardError
    let text: String
    switch report ?? (isQuiet ? PlainReportFormat.none : .text) {
    case .none: return
    case .json: text = try JSONText.pretty(result) + "\n"
    case .text: text = Terminal.legible(ExportText(result).text)
    }
    onStandardError ? Terminal.writeError(text) : try Terminal.writeReport(text)
  }
}
