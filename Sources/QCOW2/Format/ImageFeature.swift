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

  /// The feature name table that names `features`: 48 bytes each, of which the first is the
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

extension ImageFeature {
  /// Refcounts may be wrong, because the last writer did not end properly. Reading needs none.
  package static let dirty = ImageFeature(.incompatible, bit: 0, name: "dirty bit")
  /// A writer found that tables contradict each other.
  static let corrupt = ImageFeature(.incompatible, bit: 1, name: "corrupt bit")
  /// Guest data is in a file of its own.
  static let externalDataFile = ImageFeature(.incompatible, bit: 2, name: "external data file")
  /// Clusters are compressed by another method than zlib.
  static let compressionType = ImageFeature(.incompatible, bit: 3, name: "compression type")
  /// L2 entries have a bit pair for each part of a cluster.
  package static let extendedL2 = ImageFeature(.incompatible, bit: 4, name: "extended L2 entries")
  /// Refcounts are written late.
  static let lazyRefcounts = ImageFeature(.compatible, bit: 0, name: "lazy refcounts")
  /// The bitmaps are up to date.
  static let bitmaps = ImageFeature(.autoclear, bit: 0, name: "bitmaps")
  /// The data file is a raw image of the disk.
  static let rawExternalData = ImageFeature(.autoclear, bit: 1, name: "raw external data")

  /// The features of the specification.
  static let known = [
    dirty, corrupt, externalDataFile, compressionType, extendedL2, lazyRefcounts, bitmaps,
    rawExternalData,
  ]

  /// The incompatible features with which images are read.
  static let readable: UInt64 = bits(
    of: .incompatible, in: [dirty, externalDataFile, compressionType, extendedL2])
}
