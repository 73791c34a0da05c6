import QDedupKit

/// An export's report for people.
struct ExportText {
  private let report: ExportReport

  init(_ report: ExportReport) {
    self.report = report
  }

  /// The report, a line for each point.
  var text: String {
    var rows = TextRows("\(report.input.path) → \(report.output.path)")
    rows.add("snapshot", report.input.snapshot)
    rows.add("disk", Quantity.bytes(report.bytes.total))
    rows.add("written", share(report.bytes.written))
    rows.add("zeros", share(report.bytes.zeros))
    rows.add("file", report.output.allocatedBytes.map { "\(Quantity.bytes($0)) on disk" })
    rows.add("verified", report.verified ? "the output reads back as the image" : nil)
    rows.add("time", time)
    for warning in report.warnings { rows.add(note: warning.description) }
    return rows.text
  }

  private func share(_ bytes: UInt64) -> String {
    "\(Quantity.bytes(bytes)), \(Quantity.percent(bytes, of: report.bytes.total)) of the disk"
  }

  private var time: String {
    let seconds = Quantity.fixed(report.timing.wallSeconds, digits: 2)
    let speed = Quantity.bytes(report.timing.bytesPerSecond)
    return "\(seconds) s, \(speed)/s, \(Quantity.bytes(report.peakRssBytes)) of memory"
  }
}
