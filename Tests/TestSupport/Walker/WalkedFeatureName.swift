/// An entry of the feature name table.
public struct WalkedFeatureName: Equatable, Sendable {
  /// 0 incompatible, 1 compatible, 2 autoclear.
  public let kind: UInt8
  /// The number of the bit.
  public let bit: UInt8
  /// Its name.
  public let name: String

  /// An entry with these values.
  public init(kind: UInt8, bit: UInt8, name: String) {
    self.kind = kind
    self.bit = bit
    self.name = name
  }

  /// Reads the data of a feature name table.
  static func all(in data: [UInt8], problems: inout [String]) -> [WalkedFeatureName] {
    if data.count % 48 != 0 { problems.append("feature name table of \(data.count) bytes") }
    return stride(from: 0, to: data.count - data.count % 48, by: 48).map { start in
      let name = data[(start + 2)..<(start + 48)].prefix { $0 != 0 }
      return WalkedFeatureName(
        kind: data[start], bit: data[start + 1], name: String(decoding: name, as: UTF8.self))
    }
  }
}
