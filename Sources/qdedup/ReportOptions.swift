import ArgumentParser
import QDedupKit

/// The forms of a report.
enum ReportFormat: String, ExpressibleByArgument, CaseIterable {
  case text, json, none
}

/// When and how progress is shown.
enum ProgressMode: String, ExpressibleByArgument, CaseIterable {
  case auto, always, never, json
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
        An existing file is replaced without --force only if it is empty or a report of before. \
        If the conversion fails, it stays as it was.
        """, valueName: "path"),
    completion: .file(extensions: ["json"]))
  var reportFile: String?

  @Option(
    help: ArgumentHelp(
      """
      Progress on standard error: a bar (always; auto: only on a terminal) or one JSON object a \
      line (json). (default: auto, or never with --quiet)
      """,
      discussion: """
        A line of json has phase, processed_bytes and total_bytes, which is null where it is not \
        known: before the input is open, for a pipe, and in phases that do not go through the \
        disk. After success the last line has the phase done and the disk's size as both.
        """))
  var progress: ProgressMode?

  @Flag(
    name: [.short, .long],
    help: """
      Say nothing but errors: no report and no progress, except what --report and --progress ask \
      for.
      """)
  var quiet = false

  func validate() throws {
    if reportFile == "-" {
      throw ValidationError("--report-file takes the name of a file; use --report json for a pipe.")
    }
    if reportFile == "" {
      throw ValidationError("The name of the --report-file is empty; name a file, or leave it out.")
    }
  }

  /// How progress is shown, quietness considered; nil for not at all.
  var progressStyle: ProgressStyle? {
    switch progress ?? (quiet ? .never : .auto) {
    case .never: nil
    case .auto: Terminal.standardErrorTakesBar ? .bar : nil
    case .always: .bar
    case .json: .json
    }
  }

  /// Shows a report on standard output.
  ///
  /// - Throws: `ReportFailure`.
  func show(_ result: ConversionReport) throws {
    switch report ?? (quiet ? ReportFormat.none : .text) {
    case .none: return
    case .json: try Terminal.writeReport(try JSONText.pretty(result) + "\n")
    case .text: try Terminal.writeReport(Terminal.legible(ConvertText(result).text))
    }
  }
}
