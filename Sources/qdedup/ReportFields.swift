import FoundationEssentials
import QDedupKit

/// The numbers of a report by name: the keys of its JSON from the outside to the inside, with dots
/// between them (`ratios.dedup`). Lists, texts and truth values are left out.
struct ReportFields {
  /// What a number counts; it decides how the user may write one.
  enum Kind: Equatable {
    /// Bytes: `500M` is allowed.
    case bytes
    /// Things, which are whole.
    case count
    /// A ratio, or seconds.
    case fraction
  }

  private let values: [String: Double]

  /// The numbers of a report.
  init(_ report: ConversionReport) throws {
    try self.init(json: Data(JSONText.line(report).utf8))
  }

  /// The numbers of a report that was written earlier.
  ///
  /// - Parameter json: One JSON object.
  /// - Throws: `DecodingError` if it is something else.
  init(json: Data) throws {
    self.init(try JSONDecoder().decode(JSONNumbers.self, from: json))
  }

  private init(_ numbers: JSONNumbers) {
    var values: [String: Double] = [:]
    numbers.collect(into: &values, below: "")
    self.values = values
  }

  /// The number of this name; nil if the report has none.
  subscript(_ name: String) -> Double? { values[name] }

  /// The names that any report has, or may have, with what they count.
  static func known() throws -> [String: Kind] {
    let names = try ReportFields(.withEveryField).values.keys
    return Dictionary(uniqueKeysWithValues: names.map { ($0, kind($0)) })
  }

  /// What the number of this name counts.
  static func kind(_ name: String) -> Kind {
    let key = name.split(separator: ".").last.map(String.init) ?? name
    if name.hasPrefix("ratios.") || key.hasSuffix("seconds") { return .fraction }
    let isSize = ["bytes", "size", "memory", "per_second"].contains { key.hasSuffix($0) }
    return isSize || key.hasSuffix("size_before") || name.hasPrefix("bytes.") ? .bytes : .count
  }

  /// The known names that are most like one that is not known: at most three, the nearest first.
  static func near(_ name: String, in known: some Collection<String>) -> [String] {
    let last = name.split(separator: ".").last.map(String.init) ?? name
    let scored = known.compactMap { candidate -> (Int, String)? in
      let own = candidate.split(separator: ".").last.map(String.init) ?? candidate
      let (whole, part) = (distance(name, candidate), distance(last, own))
      guard whole <= name.count / 4 || part <= last.count / 4 else { return nil }
      return (min(whole, part + 1), candidate)
    }
    return scored.sorted { $0 < $1 }.prefix(3).map(\.1)
  }

  /// How many characters have to be changed, added or taken away (Levenshtein); O(lengths' product).
  private static func distance(_ first: String, _ second: String) -> Int {
    let second = Array(second.utf8)
    var row = Array(0...second.count)
    for (index, byte) in first.utf8.enumerated() {
      var diagonal = row[0]
      row[0] = index + 1
      for column in second.indices {
        let change = diagonal + (byte == second[column] ? 0 : 1)
        diagonal = row[column + 1]
        row[column + 1] = min(change, row[column] + 1, row[column + 1] + 1)
      }
    }
    return row[second.count]
  }
}

/// What is of interest in a piece of JSON: its numbers, and the objects that they are in.
enum JSONNumbers: Decodable {
  case number(Double)
  case object([String: JSONNumbers])
  case other

  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  init(from decoder: any Decoder) throws {
    if let object = try? decoder.container(keyedBy: Key.self) {
      var members: [String: JSONNumbers] = [:]
      for key in object.allKeys {
        members[key.stringValue] = try object.decode(JSONNumbers.self, forKey: key)
      }
      self = .object(members)
    } else if let value = try? decoder.singleValueContainer(),
      (try? value.decode(Bool.self)) == nil, let number = try? value.decode(Double.self)
    {
      self = .number(number)
    } else {
      self = .other
    }
  }

  fileprivate func collect(into values: inout [String: Double], below path: String) {
    switch self {
    case .number(let number): values[path] = number
    case .object(let members):
      for (key, member) in members {
        member.collect(into: &values, below: path.isEmpty ? key : path + "." + key)
      }
    case .other: break
    }
  }
}
