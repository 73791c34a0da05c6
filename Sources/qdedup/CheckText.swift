import DiskImage
import QCOW2
import QDedupKit
import SystemPackage

/// What a check found, for people: a line for each finding, then the sums.
struct CheckText {
  private static let mostLines = 100
  private let report: CheckReport

  init(_ report: CheckReport) {
    self.report = report
  }

  /// All lines.
  var text: String {
    var lines = findings
    lines += report.notes.map { "note: \($0)" }
    lines += sums
    lines += report.hashStore.map(store) ?? []
    lines += advice
    return lines.joined(separator: "\n") + "\n"
  }

  /// A line for each finding, those that matter most first, and how many more there are.
  private var findings: [String] {
    let order = ["check error", "corruption", "overlap", "leak"]
    let sorted = order.flatMap { kind in report.findings.filter { $0.kind == kind } }
    let shown = sorted.prefix(Self.mostLines)
    // Shared tables count so often that a sum of counts need not fit its type.
    let all = Self.sum([report.checkErrors, report.corruptions, report.overlaps, report.leaks])
    let rest = all - min(all, Self.sum(shown.map(\.count)))
    return shown.map(line) + (rest == 0 ? [] : ["… and \(Quantity.grouped(rest)) more"])
  }

  /// The sum, or the largest number if that is less.
  private static func sum(_ numbers: [UInt64]) -> UInt64 {
    numbers.reduce(0) { sum, number in
      let (result, overflow) = sum.addingReportingOverflow(number)
      return overflow ? .max : result
    }
  }

  private func line(_ finding: CheckReport.Finding) -> String {
    var line = "\(finding.kind): \(finding.message)"
    let places = [
      finding.hostOffset.map { "host byte \($0)" }, finding.guestOffset.map { "guest byte \($0)" },
    ].compactMap { $0 }
    if !places.isEmpty { line += " at " + places.joined(separator: ", ") }
    let values = [
      finding.expected.map { "expected \($0)" }, finding.found.map { "found \($0)" },
    ].compactMap { $0 }
    if !values.isEmpty { line += ": " + values.joined(separator: ", ") }
    return line + (finding.count > 1 ? " (\(Quantity.grouped(finding.count)) times)" : "")
  }

  private var sums: [String] {
    var lines: [String] = []
    let parts = [
      (report.checkErrors, "check error"), (report.corruptions, "corruption"),
      (report.overlaps, "overlap"), (report.leaks, "leaked cluster"),
    ].filter { $0.0 > 0 }.map { Quantity.count($0.0, $0.1) }
    lines.append(
      parts.isEmpty ? "no errors in the image's tables" : parts.joined(separator: ", "))
    let (allocated, total) = (report.allocatedClusters, report.totalClusters)
    lines.append(
      """
      \(Quantity.grouped(allocated)) of \(Quantity.count(total, "cluster")) allocated \
      (\(Quantity.percent(allocated, of: total))), \
      \(Quantity.percent(report.fragmentedClusters, of: allocated)) fragmented, \
      \(Quantity.percent(report.compressedClusters, of: allocated)) compressed
      """)
    let end = report.imageEndOffset
    lines.append("image ends after \(Quantity.count(end, "byte")) (\(Quantity.bytes(end)))")
    return lines
  }

  /// How to repair all that is wrong with the tables, if that can be done without loss.
  private var advice: [String] {
    guard let repair = report.repair else { return [] }
    let (purpose, what) =
      repair == .leaks
      ? ("to get the room back", "nothing else")
      : ("before anything is written to it", "nothing but refcounts and COPIED flags")
    let command = "qemu-img check -r \(repair.rawValue) \(FilePath(report.path).shellWord)"
    let hasStore = report.hashStore.map { $0.state != .stale } ?? false
    let store = hasStore ? "; the hash store is stale afterwards" : ""
    return [
      """
      advice: run \(command.visible) \(purpose). Of its tables \(what) is wrong, and what a guest \
      reads stays as it is\(store)
      """
    ]
  }

  private func store(_ store: CheckReport.HashStore) -> [String] {
    var lines = store.problems.map { "hash store: \($0)" }
    let rest = store.problemCount - min(store.problemCount, UInt64(store.problems.count))
    if rest > 0 { lines.append("… and \(Quantity.grouped(rest)) more") }
    let compared = store.comparedClusters.map {
      ", \(Quantity.count($0, "digest")) compared with data"
    }
    let lookups = store.lookups.map { ", \(Quantity.count($0, "lookup")) made" }
    let stale =
      store.staleEntries == 0
      ? "" : ", \(Quantity.grouped(store.staleEntries)) of removed versions"
    let checked = """
      \(Quantity.count(UInt64(store.incarnations), "incarnation")), \
      \(Quantity.count(store.entries, "entry", "entries")) checked\(stale)\(compared ?? "")\
      \(lookups ?? "")
      """
    switch store.state {
    case .valid: lines.append("hash store: valid, \(checked)")
    case .stale: lines.append("hash store: stale, not to be used: \(store.reason ?? "")")
    case .damaged:
      lines.append(
        "hash store: damaged, \(Quantity.count(store.problemCount, "problem")), \(checked)")
    }
    return lines
  }
}
