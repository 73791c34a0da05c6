/// A feature of an image: a bit of its header, with a name for people (qcow2 specification, "Feature
/// name table").
public struct ImageFeature: Equatable, Sendable {
  /// What a program does that does not know the feature. The raw value is the kind in the table.
  public enum Kind: UInt8, Sendable {
    /// It does not open the image.
    case incompatible = 0
    /// It ignores the feature.
    case compatible = 1
    /// It switches the feature off when it writes to the image.
    case autoclear = 2
  }

  /// What a program does that does not know the feature.
  public let kind: Kind
  /// The number of the feature's bit, 0…63.
  public let bit: UInt8
  /// The name for people, at most 46 bytes in UTF-8.
  public let name: String

  /// A feature of the given kind, bit and name.
  public init(_ kind: Kind, bit: UInt8, name: String) {
    self.kind = kind
    self.bit = bit
    self.name = name
  }

  private static let nameSize = 46
  private static let entrySize = 48

  /// The bits of all features of one kind.
  static func bits(of kind: Kind, in features: [ImageFeature]) -> UInt64 {
    features.reduce(0) { $1.kind == kind ? $0 | 1 << UInt64($1.bit) : $0 }
  }

  /// The feature name table that names `features`: 48 bytes each, of which the first tells the
  /// kind, the second the bit, and the rest is the name, zero-padded.
  package static func nameTable(_ features: [ImageFeature]) -> HeaderExtension {
    var bytes: [UInt8] = []
    for feature in features {
      let name = Array(feature.name.utf8.prefix(nameSize))
      bytes += [feature.kind.rawValue, feature.bit] + name
      bytes.append(contentsOf: repeatElement(0, count: nameSize - name.count))
    }
    return HeaderExtension(type: HeaderExtension.featureNames, data: bytes)
  }

  /// The features that a feature name table names; entries of an unknown kind, for a bit beyond the
  /// 63rd, or for a bit that has a name already, say nothing.
  package static func parseNameTable(_ data: [UInt8]) -> [ImageFeature] {
    var named = Set<[UInt8]>()
    return stride(from: 0, through: data.count - entrySize, by: entrySize).compactMap { start in
      guard let kind = Kind(rawValue: data[start]), data[start + 1] < 64,
        named.insert([data[start], data[start + 1]]).inserted
      else { return nil }
      let name = data[start + 2..<start + entrySize].prefix { $0 != 0 }
      return ImageFeature(kind, bit: data[start + 1], name: String(decoding: name, as: UTF8.self))
    }
  }
}
