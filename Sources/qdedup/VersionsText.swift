import DiskImage
import QDedupKit

/// Versions for people: a list, a difference, what a change did.
enum VersionsText {
  /// A line for each version, the newest last, and one for the active disk.
  static func list(_ list: VersionList) -> String {
    var rows = [["", "NAME", "ID", "DATE", "DISK", "DATA", "OWN"]]
    for version in list.versions {
      rows.append([
        version.isActive ? "*" : "", version.name.visible, version.id.visible,
        DateText.utc(version.date), Quantity.bytes(version.virtualSize),
        Quantity.bytes(version.dataBytes), Quantity.bytes(version.ownBytes),
      ])
    }
    let (size, allocated) = (list.fileSize, list.allocatedBytes)
    var text = """
      \(list.path.visible): \(Quantity.count(UInt64(list.versions.count), "version")), \
      \(Quantity.bytes(size)), \(Quantity.bytes(allocated)) on disk

      """
    if !list.versions.isEmpty { text += table(rows) }
    text += active(list)
    if Set(list.versions.map(\.virtualSize)).count > 1 {
      text += """
        note: the disks differ in size; QEMU's own programs cut every version to the size of the \
        active disk, qdedup export and convert -l do not

        """
    }
    return text
  }

  private static func active(_ list: VersionList) -> String {
    if let name = list.active.version { return "active disk: a copy of \(name.quoted)\n" }
    return list.versions.isEmpty
      ? "active disk: no version yet\n" : "active disk: changed since it was a copy of a version\n"
  }

  /// Columns, the first three to the left, the others to the right.
  private static func table(_ rows: [[String]]) -> String {
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      let cells = row.enumerated().map { column, cell in
        let space = String(repeating: " ", count: widths[column] - cell.count)
        return column < 3 ? cell + space : space + cell
      }
      return cells.joined(separator: "  ") + "\n"
    }.joined()
  }

  /// A line for each range that differs, and the sum.
  static func difference(_ difference: VersionDifference) -> String {
    let names = difference.versions.map(\.quoted)
    var lines = difference.ranges.map {
      "\($0.offset) +\($0.length) (\(Quantity.bytes($0.length)))"
    }
    lines.append(
      difference.ranges.isEmpty
        ? "\(names[0]) and \(names[1]) are equal"
        : """
        \(names[0]) and \(names[1]): \(Quantity.bytes(difference.differingBytes)) in \
        \(Quantity.count(UInt64(difference.ranges.count), "range")) may differ
        """)
    return lines.joined(separator: "\n") + "\n"
  }

  /// What a removal or an activation did.
  static func report(_ report: VersionsReport) -> String {
    var lines: [String] = []
    for name in report.removed { lines.append("removed \(name.quoted)") }
    if let name = report.activated { lines.append("the active disk is a copy of \(name.quoted)") }
    if lines.isEmpty { lines.append("nothing to do") }
    let (before, now) = (report.fileSizeBefore, report.fileSize)
    lines.append("\(report.path.visible): \(Quantity.bytes(before)) → \(Quantity.bytes(now))")
    if let dropped = report.droppedEntries {
      lines.append(
        "\(Quantity.count(dropped, "entry", "entries")) of what is gone left the hash store")
    }
    for warning in report.warnings { lines.append("note: \(warning.description.visible)") }
    return lines.joined(separator: "\n") + "\n"
  }
}
