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

/// Numbers as people read them: of things, and of bytes. Places in a file or on a disk are written as
/// plain digits, for other programs take them so.
enum Quantity {
  /// Bytes in the largest unit that leaves at least 1: `1.5 GiB`, `4 KiB`, `17 B`.
  static func bytes(_ count: UInt64) -> String { count.inByteUnits }

  /// A number with its thousands apart: `1,234,567`.
  static func grouped(_ number: UInt64) -> String {
    let digits = Array(String(number))
    return digits.enumerated().map { index, digit in
      index > 0 && (digits.count - index) % 3 == 0 ? ",\(digit)" : "\(digit)"
    }.joined()
  }

  /// A number of things: `1 cluster`, `1,234 clusters`.
  ///
  /// - Parameters:
  ///   - number: How many.
  ///   - thing: What one is called.
  ///   - things: What several are called; nil if that is `thing` with an s.
  /// - Returns: The number and its thing.
  static func count(_ number: UInt64, _ thing: String, _ things: String? = nil) -> String {
    "\(grouped(number)) \(number == 1 ? thing : things ?? thing + "s")"
  }

  /// `part` of `whole` in per cent, with one digit after the point: `50.6 %`.
  static func percent(_ part: UInt64, of whole: UInt64) -> String {
    fixed(whole == 0 ? 0 : 100 * Double(part) / Double(whole), digits: 1) + " %"
  }

  /// A number with a fixed count of digits, 0 to 3, after the point.
  static func fixed(_ value: Double, digits: Int) -> String {
    let factor = [1, 10, 100, 1000][digits]
    let scaled = UInt64((value * Double(factor)).rounded())
    guard digits > 0 else { return String(scaled) }
    let fraction = String(scaled % UInt64(factor))
    let padding = String(repeating: "0", count: digits - fraction.count)
    return "\(scaled / UInt64(factor)).\(padding)\(fraction)"
  }
}
