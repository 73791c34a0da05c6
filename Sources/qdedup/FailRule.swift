import ArgumentParser
import DiskImage
import QDedupKit

/// A rule that the user gives a conversion: what a number of the report must not be
/// (`ratios.dedup<1.2`). The output is complete and kept all the same; the exit code says that a rule
/// was broken.
struct FailRule {
  /// The exit code of a conversion that is complete, but broke a rule.
  static let exitCode = ExitCode(2)

  /// As the user wrote it.
  let text: String
  private let field: String
  private let comparison: Comparison
  private let bound: Double

  private enum Comparison: String, CaseIterable {
    // The longer ones first, for that is the order in which they are looked for.
    case atMost = "<="
    case atLeast = ">="
    case equal = "=="
    case different = "!="
    case less = "<"
    case more = ">"

    func holds(_ value: Double, _ bound: Double) -> Bool {
      switch self {
      case .atMost: value <= bound
      case .atLeast: value >= bound
      case .equal: value == bound
      case .different: value != bound
      case .less: value < bound
      case .more: value > bound
      }
    }
  }

  private init(text: String, field: String, comparison: Comparison, bound: Double) {
    self.text = text
    self.field = field
    self.comparison = comparison
    self.bound = bound
  }

  /// Reads a rule.
  ///
  /// - Parameter text: A field of the report, a comparison and a number.
  /// - Returns: The rule.
  /// - Throws: `ValidationError`, which says what is wrong and what is allowed.
  @Sendable static func parse(_ text: String) throws -> FailRule {
    guard let (range, comparison) = comparison(in: text) else {
      throw ValidationError(
        "a rule is a field of the report, one of < <= > >= == != and a number, as in "
          + "'ratios.dedup<1.2'")
    }
    let field = trimmed(text[..<range.lowerBound])
    let known = try ReportFields.known()
    guard let kind = known[field] else {
      let near = ReportFields.near(field, in: known.keys)
      let advice =
        near.isEmpty
        ? "see Documentation/ReportSchema.json" : "did you mean \(near.joined(separator: " or "))?"
      throw ValidationError("a report has no number \(field.quoted); \(advice)")
    }
    let number = trimmed(text[range.upperBound...])
    return FailRule(
      text: text, field: field, comparison: comparison, bound: try bound(number, kind, field))
  }

  private static func comparison(in text: String) -> (Range<String.Index>, Comparison)? {
    guard let start = text.firstIndex(where: { "<>=!".contains($0) }) else { return nil }
    let end = text[start...].firstIndex { !"<>=!".contains($0) } ?? text.endIndex
    return Comparison(rawValue: String(text[start..<end])).map { (start..<end, $0) }
  }

  private static func bound(
    _ text: String, _ kind: ReportFields.Kind, _ field: String
  ) throws -> Double {
    switch kind {
    case .bytes:
      do { return Double(try ByteSize.parse(text)) } catch {
        throw ValidationError("\(field) is a number of bytes (500M, 2G), not \(text.quoted)")
      }
    case .count:
      guard let number = UInt64(text) else {
        throw ValidationError("\(field) is a whole number, not \(text.quoted)")
      }
      return Double(number)
    case .fraction:
      guard let number = Double(text), number.isFinite, number >= 0 else {
        throw ValidationError("\(field) is a number such as 1.25, not \(text.quoted)")
      }
      return number
    }
  }

  private static func trimmed(_ text: Substring) -> String {
    String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }

  /// What is to be said if the rule is broken; nil if it is not, or the report has no such number.
  func finding(_ fields: ReportFields) -> String? {
    guard let value = fields[field], comparison.holds(value, bound) else { return nil }
    return "\(field) is \(ReportNumber.text(value)) (rule: \(text))"
  }
}

/// The numbers of a report as texts.
enum ReportNumber {
  /// A whole number as such, another with three digits after the point.
  static func text(_ value: Double) -> String {
    if let whole = UInt64(exactly: value) { return String(whole) }
    return fraction(value)
  }

  /// Three digits after the point. A file may claim any number, so it is bounded.
  static func fraction(_ value: Double) -> String {
    Quantity.fixed(min(max(value, 0), 1e15), digits: 3)
  }

  /// The nearest whole number that there is.
  static func whole(_ value: Double) -> UInt64 {
    value >= 0x1p64 ? .max : value > 0 ? UInt64(value) : 0
  }
}
