extension ImageFeature {
  /// Refcounts may be wrong, because the last writer did not end properly. Reading needs none.
  package static let dirty = ImageFeature(.incompatible, bit: 0, name: "dirty bit")
  /// A writer found that tables contradict each other.
  static let corrupt = ImageFeature(.incompatible, bit: 1, name: "corrupt bit")
  /// Guest data is in a file of its own.
  static let externalDataFile = ImageFeature(.incompatible, bit: 2, name: "external data file")
  /// Clusters are compressed by another method than zlib.
  static let compressionType = ImageFeature(.incompatible, bit: 3, name: "compression type")
  /// L2 entries tell of parts of a cluster.
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
