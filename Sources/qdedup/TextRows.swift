import DiskImage

/// Lines of a name and a value, the values one below the other. What a terminal would obey instead of
/// show is made visible.
struct TextRows {
  private static let nameWidth = 14
  private var lines: [String]

  /// Rows below a heading.
  init(_ heading: String) {
    lines = [heading.visible]
  }

  /// Adds a row; none for nil. A name of nil continues the row above.
  mutating func add(_ name: String?, _ value: String?) {
    guard let value else { return }
    let name = name ?? ""
    let space = String(repeating: " ", count: Self.nameWidth - name.count)
    lines.append("  \(name)\(space)\(value.visible)")
  }

  /// Adds a line that is no row.
  mutating func add(note: String) {
    lines.append("note: \(note.visible)")
  }

  /// All lines, each with its end.
  var text: String { lines.joined(separator: "\n") + "\n" }
}
