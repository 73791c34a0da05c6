import DiskIO
import DiskImage
import FoundationEssentials
import QDedupKit
import SystemPackage

/// An earlier report, to compare a new one with.
struct EarlierReport {
  private let path: String
  private let fields: ReportFields

  /// What is compared: sizes, ratios and times.
  private static let compared = [
    "input.virtual_size", "bytes.data", "clusters.unique", "bytes.written", "output.file_size",
    "output.allocated_bytes", "ratios.dedup", "ratios.compression", "ratios.total",
    "timing.wall_seconds", "peak_rss_bytes",
  ]

  /// Reads a report.
  ///
  /// - Parameter path: Its file.
  /// - Throws: `ReportFailure` if it cannot be read or is no report.
  init(_ path: String) throws {
    self.path = path
    do {
      guard let json = try ReportFile.report(in: FilePath(path)) else {
        throw ReportFailure(
          description: "\(path) is no report of qdedup, so there is nothing to compare with")
      }
      fields = try ReportFields(json: json)
    } catch let failure as ReportFailure {
      throw failure
    } catch let error as IOError {
      throw ReportFailure(
        description: "cannot read the earlier report: \(ErrorText(CreationFailure(error)).text)")
    } catch {
      throw ReportFailure(description: "cannot read the earlier report \(path): \(error)")
    }
  }

  /// What has changed since.
  func comparison(with report: ConversionReport) throws -> ConversionReport.Comparison {
    let now = try ReportFields(report)
    return .init(
      path: path,
      changes: Self.compared.compactMap { name in
        guard let before = fields[name], let after = now[name] else { return nil }
        return .init(field: name, before: before, after: after)
      })
  }
}

/// Changes of a report as texts.
struct ChangeText {
  private let change: ConversionReport.Comparison.Change

  init(_ change: ConversionReport.Comparison.Change) {
    self.change = change
  }

  /// The number before.
  var before: String { value(change.before) }
  /// The number now.
  var after: String { value(change.after) }

  /// The difference in per cent: `+2.5 %`; nil where there was nothing before.
  var difference: String? {
    guard change.before > 0 else { return change.after == 0 ? "±0 %" : nil }
    let percent = (change.after / change.before - 1) * 100
    if abs(percent) < 0.05 { return "±0 %" }
    return (percent < 0 ? "−" : "+") + Quantity.fixed(min(abs(percent), 1e9), digits: 1) + " %"
  }

  private func value(_ number: Double) -> String {
    switch ReportFields.kind(change.field) {
    case .bytes: Quantity.bytes(ReportNumber.whole(number))
    case .count: Quantity.grouped(ReportNumber.whole(number))
    case .fraction: ReportNumber.fraction(number)
    }
  }
}
