/// A feature that a program which does not know it switches off by writing to the image
/// (qcow2 specification, "autoclear features").
public struct AutoclearFeature: Equatable, Sendable {
  /// The number of the feature's bit, 0…63.
  public let bit: UInt8
  /// The name for people, at most 46 bytes in UTF-8.
  public let name: String

  /// A feature of the given bit and name.
  public init(bit: UInt8, name: String) {
    self.bit = bit
    self.name = name
  }

  private static let nameSize = 46
  private static let autoclearType: UInt8 = 2

  /// The feature name table that names `features`: 48 bytes each, of which the first tells the
  /// kind, the second the bit, and the rest is the name, zero-padded.
  package static func nameTable(_ features: [AutoclearFeature]) -> HeaderExtension {
    var bytes: [UInt8] = []
    for feature in features {
      let name = Array(feature.name.utf8.prefix(nameSize))
      bytes += [autoclearType, feature.bit] + name
      bytes.append(contentsOf: repeatElement(0, count: nameSize - name.count))
    }
    return HeaderExtension(type: 0x6803_F857, data: bytes)
  }
}
