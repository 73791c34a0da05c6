internal import DiskIO
package import DiskImage

/// What the first cluster of an image says: its header and the extensions after it.
///
/// Nothing else of the file has been read, and no other file has been opened.
public struct ImageMetadata: Sendable {
  package let header: Header
  /// All header extensions, of unknown types too.
  public let extensions: [HeaderExtension]
  /// The names that the image gives to feature bits.
  let featureNames: [ImageFeature]
  /// The file that holds what is unallocated here.
  public let backingFile: ExternalFile?
  /// The file that holds the guest's data, if that is not the image itself.
  public let dataFile: ExternalFile?

  /// Reads and decodes the first cluster.
  ///
  /// - Parameter file: The image.
  /// - Throws: `ImageError`; no content makes it trap.
  package init(_ file: ImageFile) throws(ImageError) {
    let head = try file.upTo(Header.length, at: HostOffset(0))
    let header = try decoding(file.path) { () throws(FormatError) in try Header(decoding: head) }
    let cluster = try file.upTo(1 << header.clusterBits, at: HostOffset(0))
    self = try decoding(file.path) { () throws(FormatError) in
      try ImageMetadata(header, cluster)
    }
  }

  /// Decodes what follows a header in the first cluster.
  private init(_ header: Header, _ cluster: [UInt8]) throws(FormatError) {
    self.header = header
    let nameStart = Int(header.backingNameOffset)
    let nameEnd = nameStart + (nameStart == 0 ? 0 : Int(header.backingNameLength))
    try FormatError.require(
      max(nameEnd, header.length) <= cluster.count,
      "the first cluster is cut off after \(cluster.count) bytes")
    let areaEnd = nameStart == 0 ? cluster.count : nameStart
    try FormatError.require(
      areaEnd >= header.length, "a backing file name at byte \(nameStart), inside the header")
    extensions = try HeaderExtension.parseAll(Array(cluster[..<areaEnd]), from: header.length)
    featureNames =
      extensions.data(of: HeaderExtension.featureNames).map(ImageFeature.parseNameTable) ?? []
    let format = extensions.data(of: HeaderExtension.backingFormat)
    backingFile =
      nameEnd == nameStart
      ? nil
      : ExternalFile(
        .backingFile, Array(cluster[nameStart..<nameEnd]),
        format: format.map { String(decoding: $0, as: UTF8.self) })
    dataFile =
      header.has(.externalDataFile)
      ? ExternalFile(.dataFile, extensions.data(of: HeaderExtension.dataFileName) ?? []) : nil
  }
}

extension ImageMetadata {
  /// The version of the format: 2 or 3.
  public var version: Int { Int(header.version) }
  /// The size of the disk in bytes: whole sectors of 512 bytes, as QEMU counts.
  public var virtualSize: UInt64 { header.virtualSize & ~511 }
  /// The size of a cluster in bytes.
  public var clusterSize: Int { 1 << header.clusterBits }
  /// The width of refcounts in bits.
  public var refcountBits: Int { 1 << Int(header.refcountOrder) }
  /// How compressed clusters are compressed.
  public var compression: CompressionMethod { header.compression }
  /// How clusters are encrypted; nil if they are not.
  public var encryption: String? {
    switch header.encryption {
    case 0: nil
    case 1: "AES"
    case 2: "LUKS"
    default: "method \(header.encryption)"
    }
  }
  /// The number of internal snapshots.
  public var snapshotCount: Int { Int(header.snapshotCount) }
  /// The number of persistent bitmaps, by what their header extension says.
  public var bitmapCount: Int {
    guard let data = extensions.data(of: HeaderExtension.bitmaps), data.count >= 4 else { return 0 }
    return Int(data.withUnsafeBytes { $0.loadBigEndian(UInt32.self, at: 0) })
  }
  /// The types of the header extensions that the specification does not have.
  public var unknownExtensions: [UInt32] {
    extensions.map(\.type).filter { !HeaderExtension.known.contains($0) }
  }

  /// The features that are switched on, by the names of the specification, of the image itself, or,
  /// where neither has one, by number.
  public var features: [ImageFeature] {
    let kinds: [(ImageFeature.Kind, UInt64)] = [
      (.incompatible, header.incompatibleFeatures), (.compatible, header.compatibleFeatures),
      (.autoclear, header.autoclearFeatures),
    ]
    return kinds.flatMap { kind, bits in
      (0..<UInt8(64)).filter { bits >> UInt64($0) & 1 == 1 }.map { feature(kind, bit: $0) }
    }
  }

  private func feature(_ kind: ImageFeature.Kind, bit: UInt8) -> ImageFeature {
    let known = (ImageFeature.known + featureNames).first { $0.kind == kind && $0.bit == bit }
    return known ?? ImageFeature(kind, bit: bit, name: "unknown feature \(bit)")
  }
}
