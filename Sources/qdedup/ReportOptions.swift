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
    help: "The report on standard output (Documentation/ReportSchema.json describes json).")
  var report = ReportFormat.text

  @Option(
    help: ArgumentHelp("Write the report as JSON to this file too.", valueName: "path"),
    completion: .file(extensions: ["json"]))
  var reportFile: String?

  @Option(
    help: ArgumentHelp(
      """
      Progress on standard error: a bar, always or if that is a terminal (auto), or an object a \
      line (json).
      """,
      discussion: """
        A line of json has phase, processed_bytes and total_bytes, which is null where it is not \
        known: before the input is open, for a pipe, and in phases that do not go through the \
        disk. After success the last line has the phase done and the disk's size as both.
        """))
  var progress = ProgressMode.auto

  @Flag(name: [.short, .long], help: "Say nothing but errors: no report, no progress.")
  var quiet = false

  /// How progress is shown, quietness considered; nil for not at all.
  var progressStyle: ProgressStyle? {
    switch progress {
    case _ where quiet: nil
    case .never: nil
    case .auto: Terminal.standardErrorTakesBar ? .bar : nil
    case .always: .bar
    case .json: .json
    }
  }

  /// Shows a report on standard output.
  func show(_ result: ConversionReport) throws {
    guard !quiet else { return }
    switch report {
    case .none: return
    case .json: try Terminal.write(try JSONText.pretty(result) + "\n")
    case .text: try Terminal.write(Terminal.legible(TextReport(result).text))
    }
  }
}
