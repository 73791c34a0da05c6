import DiskImage
import QDedupKit

/// A conversion's report for people.
struct ConvertText {
  private let report: ConversionReport

  init(_ report: ConversionReport) {
    self.report = report
  }

  /// The report, a line for each point.
  var text: String {
    var rows = TextRows("\(report.input.path) → \(report.output.path)")
    rows.add("disk", "\(size(report.input.virtualSize, report.clusters.total)) of \(clusterSize)")
    rows.add("chosen", chosen)
    rows.add("data", size(report.bytes.data, report.clusters.data))
    rows.add("unique", size(uniqueBytes, report.clusters.unique))
    rows.add("compressed", compressed)
    rows.add("duplicate", duplicate)
    rows.add("file", file)
    rows.add("versions", versions)
    rows.add("store rebuilt", storeRebuilt)
    rows.add("hash store", hashStore)
    rows.add("index memory", indexMemory)
    rows.add("forgotten", forgotten)
    rows.add("verified", report.verified ? "the output reads back as the input" : nil)
    rows.add("time", time)
    addComparison(to: &rows)
    for rule in report.brokenRules ?? [] { rows.add(note: "broken rule: \(rule)") }
    for warning in report.warnings { rows.add(note: warning.description) }
    return rows.text
  }

  private func size(_ bytes: UInt64, _ clusters: UInt64) -> String {
    "\(Quantity.bytes(bytes)), \(Quantity.count(clusters, "cluster"))"
  }

  private var chosen: String? {
    guard let choice = report.clusterSizeChoice,
      let smallest = choice.candidates.min(by: { $0.predictedFileBytes < $1.predictedFileBytes }),
      let own = choice.candidates.first(where: { $0.clusterSize == choice.clusterSize })
    else { return nil }
    func name(_ size: Int) -> String { Quantity.bytes(UInt64(size)) }
    let reason =
      own == smallest
      ? "the smallest file, as predicted"
      : """
      \(Quantity.percent(
        own.predictedFileBytes - smallest.predictedFileBytes, of: smallest.predictedFileBytes)) \
      above the smallest file (of \(name(smallest.clusterSize))), as predicted
      """
    let seconds = Quantity.fixed(choice.wallSeconds, digits: 2)
    return """
      \(name(choice.clusterSize)) clusters: \(reason); took \(seconds) s and \
      \(Quantity.bytes(choice.readBytes)) of reading
      """
  }

  private func addComparison(to rows: inout TextRows) {
    guard let comparison = report.comparison else { return }
    rows.add("compared", "with \(comparison.path)")
    for change in comparison.changes {
      let text = ChangeText(change)
      let difference = text.difference.map { " (\($0))" } ?? ""
      rows.add(nil, "\(change.field): \(text.before) → \(text.after)\(difference)")
    }
  }

  private var clusterSize: String { Quantity.bytes(UInt64(report.output.clusterSize)) }

  private var uniqueBytes: UInt64 { report.bytes.data - report.bytes.savedByDedup }

  private var compressed: String? {
    guard report.output.compression != "none" else { return nil }
    let (written, method) = (report.bytes.written, report.output.compression)
    let (difference, word) =
      written > uniqueBytes
      ? (written - uniqueBytes, "more") : (report.bytes.savedByCompression, "saved")
    let part = Quantity.percent(difference, of: uniqueBytes)
    return "\(Quantity.bytes(written)) by \(method), \(part) \(word)"
  }

  private var duplicate: String {
    let part = Quantity.percent(report.clusters.duplicate, of: report.clusters.data)
    return "\(size(report.bytes.savedByDedup, report.clusters.duplicate)), \(part) of the data"
  }

  private var file: String {
    let output = report.output
    let before = report.versions?.fileSizeBefore.map { "\(Quantity.bytes($0)) → " } ?? ""
    let size = Quantity.bytes(output.fileSize)
    return "\(before)\(size), \(Quantity.bytes(output.allocatedBytes)) on disk"
  }

  private var versions: String? {
    guard let versions = report.versions else { return nil }
    let added = versions.added.map(\.quoted).joined(separator: ", ")
    let active = versions.active.map { "the active disk is a copy of \($0.quoted)" }
    return """
      added \(added); \(Quantity.count(UInt64(versions.count), "version")) now, \
      \(active ?? "the active disk is as it was")
      """
  }

  private var storeRebuilt: String? {
    guard let reason = report.versions?.storeRebuilt else { return nil }
    let seconds = Quantity.fixed(report.versions?.storeRebuildSeconds ?? 0, digits: 2)
    return "from all versions, in \(seconds) s: \(reason)"
  }

  private var hashStore: String? {
    let store = report.hashStore
    guard store.present else { return nil }
    let incarnations = Quantity.count(store.incarnations, "incarnation")
    return "\(incarnations) of order \(store.order), \(Quantity.bytes(store.bytesOnDisk))"
  }

  private var indexMemory: String? {
    guard let allowed = report.hashStore.indexMemory else { return nil }
    let used = "\(Quantity.bytes(report.hashStore.ramBytes)) of \(Quantity.bytes(allowed))"
    guard let clusters = report.hashStore.rememberedClusters else { return used }
    let bytes = clusters.multipliedReportingOverflow(by: UInt64(report.output.clusterSize))
    return "\(used); remembers \(size(bytes.overflow ? .max : bytes.partialValue, clusters))"
  }

  private var forgotten: String? {
    let store = report.hashStore
    guard store.mayMissClusters > 0 else { return nil }
    return """
      \(size(store.mayMissBytes, store.mayMissClusters)): duplicates of them may be missed \
      (see --index-memory)
      """
  }

  private var time: String {
    let seconds = Quantity.fixed(report.timing.wallSeconds, digits: 2)
    let speed = Quantity.bytes(report.timing.bytesPerSecond)
    return "\(seconds) s, \(speed)/s, \(Quantity.bytes(report.peakRssBytes)) of memory"
  }
}
