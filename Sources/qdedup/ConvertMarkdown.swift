import DiskImage
import QDedupKit

/// A conversion's report as Markdown, for the summary of a CI job: a table of what matters, with what
/// it was before if an earlier report is named, then broken rules and warnings.
struct ConvertMarkdown {
  private let report: ConversionReport

  init(_ report: ConversionReport) {
    self.report = report
  }

  /// The text, ending with a line feed.
  var text: String {
    let heading = "### qdedup: \(Self.escaped(report.output.path))"
    let table = report.comparison.map(changes) ?? figures
    let notes =
      (report.brokenRules ?? []).map { "- **broken rule:** \(Self.escaped($0))" }
      + report.warnings.map { "- \(Self.escaped($0.description))" }
    return ([heading, "", table] + (notes.isEmpty ? [] : [""] + notes)).joined(separator: "\n")
      + "\n"
  }

  private var figures: String {
    let rows = [
      ("disk", Quantity.bytes(report.input.virtualSize)),
      ("data", Quantity.bytes(report.bytes.data)),
      ("duplicate", Quantity.bytes(report.bytes.savedByDedup)),
      ("file", Quantity.bytes(report.output.fileSize)),
      ("data by file", Quantity.fixed(report.ratios.total, digits: 2) + " ×"),
      ("verified", report.verified ? "yes" : "no"),
      ("time", Quantity.fixed(report.timing.wallSeconds, digits: 2) + " s"),
      ("memory", Quantity.bytes(report.peakRssBytes)),
    ]
    return (["| what | value |", "|---|---:|"] + rows.map { "| \($0) | \($1) |" })
      .joined(separator: "\n")
  }

  private func changes(_ comparison: ConversionReport.Comparison) -> String {
    let rows = comparison.changes.map { change in
      let text = ChangeText(change)
      return "| \(change.field) | \(text.before) | \(text.after) | \(text.difference ?? "new") |"
    }
    return
      ([
        "Compared with \(Self.escaped(comparison.path)):", "",
        "| what | before | now | change |", "|---|---:|---:|---:|",
      ] + rows).joined(separator: "\n")
  }

  /// A text that may come from anywhere, as Markdown that shows it as it is.
  private static func escaped(_ text: String) -> String {
    var result = ""
    for character in text.visible {
      if "\\`*_{}[]()<>#|&~!".contains(character) { result.append("\\") }
      result.append(character)
    }
    return result
  }
}
