import ArgumentParser
import QDedupKit

/// The forms of a report of an export, a removal or an activation.
enum PlainReportFormat: String, ExpressibleByArgument, CaseIterable {
  case text, json, none
}

/// The forms of a report of a conversion.
enum ReportFormat: String, ExpressibleByArgument, CaseIterable {
  case text, json, markdown, none
}

/// What is said about the conversion, and where.
struct ReportOptions: ParsableArguments {
  @Option(
    help: """
      The report on standard output; markdown is for the summary of a CI job, json is described by \
      Documentation/ReportSchema.json. (default: text, or none with --quiet)
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

  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "End with exit code 2 if this holds of the report, as in 'ratios.dedup<1.2'; repeatable.",
      discussion: """
        A field of the JSON report that is a number, one of < <= > >= == !=, and a number; sizes \
        take K, M, G and T. The output is complete and kept all the same. A number that a report \
        does not have breaks no rule.
        """, valueName: "rule"),
    transform: FailRule.parse)
  var failIf: [FailRule] = []

  @Option(
    help: ArgumentHelp(
      "Say what has changed since this earlier report: sizes, ratios and time.",
      valueName: "path"),
    completion: .file(extensions: ["json"]))
  var compareReport: String?

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

  /// Reads the report to compare with, which has to be there before the work; nil for none.
  func earlierReport() throws -> EarlierReport? {
    guard let compareReport else { return nil }
    do { return try EarlierReport(compareReport) } catch { throw Terminal.fail("\(error)") }
  }

  /// Compares a report and judges it by the rules, then writes it wherever it is to go; one place that
  /// fails does not keep it from the other.
  ///
  /// - Parameters:
  ///   - report: What a command that succeeded has to say.
  ///   - file: The report file.
  ///   - earlier: The report to compare with.
  ///   - subject: What is complete, whatever becomes of the report.
  /// - Throws: The exit code, after a message.
  func deliver(
    _ report: ConversionReport, to file: ReportFile?, comparedWith earlier: EarlierReport?,
    subject: String
  ) throws {
    var report = report
    report.warnings = report.warnings.map(\.inWords)
    report.comparison = try earlier?.comparison(with: report)
    let fields = try ReportFields(report)
    let findings = failIf.compactMap { $0.finding(fields) }
    if !failIf.isEmpty { report.brokenRules = findings }
    let outcomes = [Result { try file?.write(report) }, Result { try show(report) }]
    for case .failure(let failure) in outcomes {
      throw Terminal.fail("\(subject) is complete; only its report is missing: \(failure)")
    }
    guard findings.isEmpty else {
      throw Terminal.fail(
        "\(subject) is complete, but \(findings.joined(separator: "; "))",
        code: FailRule.exitCode)
    }
  }

  /// Shows a report on standard output.
  ///
  /// - Throws: `ReportFailure`.
  private func show(_ result: ConversionReport) throws {
    switch report ?? (progressOptions.quiet ? ReportFormat.none : .text) {
    case .none: return
    case .json: try Terminal.writeReport(try JSONText.pretty(result) + "\n")
    case .markdown: try Terminal.writeReport(Terminal.legible(ConvertMarkdown(result).text))
    case .text: try Terminal.writeReport(Terminal.legible(ConvertText(result).text))
    }
  }
}
