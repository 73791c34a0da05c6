internal import DedupStore
internal import DiskImage
internal import DiskIO
internal import QCOW2

/// How an image says that it carries a hash store: a header extension and an autoclear feature bit.
///
/// This is the one place that knows both. The extension names the store's lists (the dump), which
/// are in it where there is room in the header, else in clusters of their own whose refcount stays
/// 0. The bit says that nothing has been written to the image since: a program that does not know
/// the store clears it before its first write. Reading: `extensionData`, `isMarked`. Writing:
/// `write`, which may allocate clusters, so it comes after the last incarnation and before the
/// image is finished.
enum StoreInImage {
  /// The autoclear feature whose bit says that the hash store is valid.
  static let feature = ImageFeature(
    .autoclear, bit: UInt8(StoreHeader.autoclearBit), name: StoreHeader.featureName)

  /// The type of the header extension.
  static var extensionType: UInt32 { StoreHeader.extensionType }

  /// The data of an image's header extension; nil if it has none.
  static func extensionData(in metadata: ImageMetadata) -> [UInt8]? {
    metadata.extensions.first { $0.type == extensionType }?.data
  }

  /// Whether the feature bit of an image says that the hash store may be used.
  static func isMarked(_ metadata: ImageMetadata) -> Bool {
    metadata.features.contains { $0.kind == feature.kind && $0.bit == feature.bit }
  }

  /// Writes the lists of a store, where they do not fit the header, and makes the extension.
  ///
  /// - Parameters:
  ///   - store: The store, everything in it frozen.
  ///   - writer: The image's writer.
  ///   - features: All features of the image: their names take room in the header.
  ///   - isApart: Whether the lists go into clusters of their own in any case.
  /// - Returns: The header extension.
  /// - Throws: `ImageWriterError`.
  static func write(
    _ store: HashStore, to writer: ImageWriter, besides features: [ImageFeature],
    isApart: Bool = false
  ) throws(ImageWriterError) -> HeaderExtension {
    let dump = store.dump
    var offset: StorageOffset?
    let room = isApart ? 0 : writer.roomForExtension(besides: features)
    if StoreHeader.fixedBytes + dump.byteCount > room {
      let clusters = writer.geometry.clusterCount(forBytes: UInt64(dump.byteCount))
      let place = try writer.allocate(clusters: clusters).bytes
      try ImageWriterError.wrappingIO(try writer.file.file.write(dump.serialized, at: place))
      offset = StorageOffset(place)
    }
    let header = StoreHeader(
      dump: dump, dumpOffset: offset, maxIncarnations: store.maxIncarnations)
    return HeaderExtension(type: extensionType, data: header.serialized)
  }
}

/// The state of the hash store that an image carries.
public enum StoreState: String, Codable, Sendable {
  /// It may be used.
  case valid
  /// It may not be used, which its marks say.
  case stale
  /// Its marks say that it may be used, but it is wrong.
  case damaged
}
