import QDedupKit

/// A conversion's report for people.
struct TextReport {
  private let report: ConversionReport

  init(_ report: ConversionReport) {
    self.report = report
  }

  /// The report, a line for each point.
  var text: String {
    let rows: [(name: String, value: String?)] = [
      ("disk", "\(size(report.input.virtualSize, report.clusters.total)) of \(clusterSize)"),
      ("data", size(report.bytes.data, report.clusters.data)),
      ("unique", size(uniqueBytes, report.clusters.unique)),
      ("compressed", compressed),
      ("duplicate", duplicate),
      ("file", file),
      ("hash store", hashStore),
      ("forgotten", forgotten),
      ("verified", report.verified ? "the output reads back as the input" : nil),
      ("time", time),
    ]
    var lines = ["\(report.input.path) → \(report.output.path)"]
    for (name, value) in rows {
      guard let value else { continue }
      lines.append("  " + name + String(repeating: " ", count: 12 - name.count) + value)
    }
    lines += report.warnings.map { "note: \($0)" }
    return lines.joined(separator: "\n") + "\n"
  }

  private func size(_ bytes: UInt64, _ clusters: UInt64) -> String {
    "\(Quantity.bytes(bytes)), \(Quantity.count(clusters, "cluster"))"
  }

  private var clusterSize: String { Quantity.bytes(UInt64(report.output.clusterSize)) }

  private var uniqueBytes: UInt64 { report.bytes.data - report.bytes.savedByDedup }

  private var compressed: String? {
    guard report.output.compression != "none" else { return nil }
    let part = Quantity.percent(report.bytes.savedByCompression, of: uniqueBytes)
    let method = report.output.compression
    return "\(Quantity.bytes(report.bytes.written)) by \(method), \(part) saved"
  }

  private var duplicate: String {
    let part = Quantity.percent(report.clusters.duplicate, of: report.clusters.data)
    return "\(size(report.bytes.savedByDedup, report.clusters.duplicate)), \(part) of the data"
  }

  private var file: String {
    let output = report.output
    return "\(Quantity.bytes(output.fileSize)), \(Quantity.bytes(output.allocatedBytes)) on disk"
  }

  private var hashStore: String? {
    let store = report.hashStore
    guard store.present else { return nil }
    let incarnations = Quantity.count(store.incarnations, "incarnation")
    return "\(incarnations) of order \(store.order), \(Quantity.bytes(store.bytesOnDisk))"
  }

  private var forgotten: String? {
    guard report.hashStore.forgotten > 0 else { return nil }
    let incarnations = Quantity.count(report.hashStore.forgotten, "incarnation")
    return "\(incarnations): their clusters' duplicates were missed (see --max-incarnations)"
  }

  private var time: String {
    let seconds = Quantity.fixed(report.timing.wallSeconds, digits: 2)
    let speed = Quantity.bytes(report.timing.bytesPerSecond)
    return "\(seconds) s, \(speed)/s, \(Quantity.bytes(report.peakRssBytes)) of memory"
  }
}
