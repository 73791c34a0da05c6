import ArgumentParser
import QDedupKit

/// The forms of a report.
enum ReportFormat: String, ExpressibleByArgument, CaseIterable {
  case text, json, none
}

/// What is said about the conversion, and where.
struct ReportOptions: ParsableArguments {
  @Option(
    help: """
      The report on standard output (Documentation/ReportSchema.json describes json). (default: \
      text, or none with --quiet)
      """)
  var report: ReportFormat?

  @Option(
    help: ArgumentHelp(
      "Write the report as JSON to this file too.",
      discussion: """
        An existing file is replaced without --force only if it is empty or an earlier report. \
        If the conversion fails, it stays as it was.
        """, valueName: "path"),
    completion: .file(extensions: ["json"]))
  var reportFile: String?

  @OptionGroup var progressOptions: ProgressOptions

  func validate() throws {
    if reportFile == "-" {
      throw ValidationError("--report-file takes the name of a file; use --report json for a pipe.")
    }
    if reportFile == "" {
      throw ValidationError("The name of the --report-file is empty; name a file, or leave it out.")
    }
  }

  /// How progress is shown; nil for not at all.
  var progressStyle: ProgressStyle? { progressOptions.style }

  /// Shows a report on standard output.
  ///
  /// - Throws: `ReportFailure`.
  func show(_ result: ConversionReport) throws {
    switch report ?? (progressOptions.quiet ? ReportFormat.none : .text) {
    case .none: return
    case .json: try Terminal.writeReport(try JSONText.pretty(result) + "\n")
    case .text: try Terminal.writeReport(Terminal.legible(ConvertText(result).text))
    }
  }
}
