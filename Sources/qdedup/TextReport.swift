import QDedupKit

/// A conversion's report for people.
struct TextReport {
  private let report: ConversionReport

  init(_ report: ConversionReport) {
    self.report = report
  }

  /// The report, a line for each point.
  var text: String {
    var lines = ["\(report.input.path) → \(report.output.path)"]
    lines += rows.map { name, value in
      "  " + name + String(repeating: " ", count: 12 - name.count) + value
    }
    lines += report.warnings.map { "note: \($0)" }
    return lines.joined(separator: "\n") + "\n"
  }

  private var rows: [(String, String)] {
    let (clusters, bytes, store) = (report.clusters, report.bytes, report.hashStore)
    var rows = [
      (
        "disk",
        "\(Quantity.bytes(report.input.virtualSize)), \(Quantity.grouped(clusters.total)) "
          + "clusters of \(Quantity.bytes(UInt64(report.output.clusterSize)))"
      ),
      ("data", "\(Quantity.bytes(bytes.data)), \(Quantity.grouped(clusters.data)) clusters"),
      ("unique", "\(Quantity.bytes(bytes.written)), \(Quantity.grouped(clusters.unique)) clusters"),
      (
        "duplicate",
        "\(Quantity.bytes(bytes.savedByDedup)), "
          + "\(Quantity.grouped(clusters.duplicate)) clusters, "
          + "\(Quantity.percent(clusters.duplicate, of: clusters.data)) of the data"
      ),
      (
        "file",
        "\(Quantity.bytes(report.output.fileSize)), "
          + "\(Quantity.bytes(report.output.allocatedBytes)) on disk"
      ),
    ]
    if store.present {
      rows.append(
        (
          "hash store",
          "\(Quantity.grouped(store.incarnations)) incarnations of order "
            + "\(store.order), \(Quantity.bytes(store.bytesOnDisk))"
        ))
    }
    if store.forgotten > 0 {
      rows.append(
        (
          "forgotten",
          "\(Quantity.grouped(store.forgotten)) incarnations: duplicates of their "
            + "clusters were not found (see --max-incarnations)"
        ))
    }
    if report.verified { rows.append(("verified", "the output reads back as the input")) }
    rows.append(
      (
        "time",
        "\(Quantity.fixed(report.timing.wallSeconds, digits: 2)) s, "
          + "\(Quantity.bytes(report.timing.bytesPerSecond))/s, "
          + "\(Quantity.bytes(report.peakRssBytes)) of memory"
      ))
    return rows
  }
}
