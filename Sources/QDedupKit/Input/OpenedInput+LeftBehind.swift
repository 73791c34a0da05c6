internal import DiskIO
internal import DiskImage
internal import QCOW2

extension OpenedInput {
  /// The internal snapshots of an input that is a qcow2 image; none for any other.
  ///
  /// - Throws: `ImageError` if it cannot be read, or its table of snapshots makes no sense.
  static func snapshots(_ options: InputOptions) throws(ImageError) -> [Snapshot] {
    guard case .file(let path) = options.source else { return [] }
    let file = try OwnedFile(readingImage: path)
    guard options.format != .raw, try file.detectedFormat() == .qcow2 else { return [] }
    let image = try ImageFile(file)
    return try SnapshotTable.read(try ImageMetadata(image), from: image)
  }

  /// What the input holds besides its disk, which does not come into the output.
  ///
  /// - Parameter snapshot: The snapshot that is converted; nil for the disk as it is now.
  /// - Returns: A sentence each.
  func leftBehind(besides snapshot: String?) -> [String] {
    guard case .image(let image as QCOW2Image) = source else { return [] }
    let metadata = image.metadata
    var sentences: [String] = []
    let (snapshots, other) =
      snapshot == nil ? (metadata.snapshotCount, "") : (metadata.snapshotCount - 1, "other ")
    if snapshots > 0 {
      sentences.append("\(Self.are(snapshots, other + "internal snapshot")); -l NAME converts one")
    }
    if metadata.bitmapCount > 0 { sentences.append(Self.are(metadata.bitmapCount, "bitmap")) }
    let unknown = metadata.unknownExtensions.filter { $0 != StoreInImage.extensionType }
    if let first = unknown.first {
      let types = "\(unknown.count == 1 ? "" : "the first ")0x\(String(first, radix: 16))"
      sentences.append("\(Self.are(unknown.count, "unknown header extension")) (\(types))")
    }
    return sentences
  }

  private static func are(_ count: Int, _ thing: String) -> String {
    count == 1
      ? "1 \(thing) is not part of the output" : "\(count) \(thing)s are not part of the output"
  }
}
