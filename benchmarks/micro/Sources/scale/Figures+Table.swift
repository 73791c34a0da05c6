extension Figures {
  /// The figures as a table for people.
  var table: String {
    let operations = Double(lookups + insertions)
    return [
      row("clusters", "\(clusters)", "each looked up, and inserted unless found"),
      row("incarnations", "\(incarnations)", "of order \(order), \(forgotten) more forgotten"),
      row("load", rounded(load, 3), "of the slots used when the log store is full"),
      row("entries", "\(entries)", "known at the end"),
      row("time", rounded(wallSeconds, 2), "s; \(rounded(cpuSeconds, 2)) s of processor time"),
      row("clusters/s", perSecond(Double(clusters)), "by wall, by processor time"),
      row("operations/s", perSecond(operations), "lookups and insertions counted apart"),
      row("store RAM", perEntry(storeBytes), "bytes an entry; \(mebibytes(storeBytes)) MiB"),
      row("peak RSS", perEntry(peakBytes), "bytes an entry; \(mebibytes(peakBytes)) MiB"),
      row("on disk", perEntry(diskBytes), "bytes an entry; \(mebibytes(diskBytes)) MiB"),
      row("duplicates", "\(found)", "found, \(missed) missed"),
      row(
        "false positives", rounded(falsePositivesPerLookup, 5),
        "a lookup; theory: \(rounded(expectedFalsePositivesPerLookup, 5))"),
      row(
        "disk reads", rounded(readsPerLookup, 5),
        "a lookup; theory: \(rounded(expectedReadsPerLookup, 5))"),
    ].joined(separator: "\n")
  }

  private func row(_ name: String, _ value: String, _ explanation: String) -> String {
    let left = name + String(repeating: " ", count: max(0, 16 - name.count))
    return left + String(repeating: " ", count: max(0, 16 - value.count)) + value + "  "
      + explanation
  }

  private func perSecond(_ count: Double) -> String {
    [wallSeconds, cpuSeconds].map { "\(rounded(count / max($0, 1e-9) / 1e6, 2)) M" }
      .joined(separator: ", ")
  }

  private func perEntry(_ bytes: UInt64) -> String {
    rounded(Double(bytes) / Double(max(entries, 1)), 2)
  }

  private func mebibytes(_ bytes: UInt64) -> String { rounded(Double(bytes) / 1_048_576, 1) }

  /// A number with so many decimals.
  private func rounded(_ value: Double, _ decimals: Int) -> String {
    let scale = (0..<decimals).reduce(1.0) { scale, _ in scale * 10 }
    let digits = String(Int((value * scale).rounded()))
    let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
    return decimals == 0 ? padded : "\(padded.dropLast(decimals)).\(padded.suffix(decimals))"
  }
}
