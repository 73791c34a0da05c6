package import DiskImage

/// An internal snapshot: the disk as it was at some time (qcow2 specification, "Snapshots").
public struct Snapshot: Equatable, Sendable {
  /// Its id, unique within the image; QEMU uses numbers. At most 255 bytes of it.
  public let id: String
  /// Its name, as the user gave it. At most 255 bytes of it.
  public let name: String
  /// When it was taken, in seconds since 1970.
  public let seconds: UInt32
  /// The size of the machine's state that was saved with it, in bytes; 0 for a disk alone.
  public let machineStateSize: UInt64
  /// The size of the disk in bytes; nil if the snapshot does not have it.
  public let virtualSize: UInt64?
  /// Where its L1 table begins.
  package let l1Offset: HostOffset
  /// The number of entries of that table.
  package let l1EntryCount: UInt32

  /// As many bytes as QEMU takes of a name.
  private static let mostNameBytes = 255

  /// What an entry of the snapshot table says.
  package init(_ entry: SnapshotEntry) {
    id = String(decoding: entry.id.prefix(Self.mostNameBytes), as: UTF8.self)
    name = String(decoding: entry.name.prefix(Self.mostNameBytes), as: UTF8.self)
    seconds = entry.seconds
    machineStateSize = entry.machineStateSize
    virtualSize = entry.virtualSize.map { $0 & ~511 }
    l1Offset = entry.l1Offset
    l1EntryCount = entry.l1EntryCount
  }
}

/// Reads the table of internal snapshots, entry by entry.
package enum SnapshotTable {
  /// All snapshots of an image.
  ///
  /// - Parameters:
  ///   - metadata: The image's header.
  ///   - file: The image.
  /// - Returns: The snapshots in the order of the table.
  /// - Throws: `ImageError`; no content makes it trap.
  package static func read(
    _ metadata: ImageMetadata, from file: ImageFile
  ) throws(ImageError) -> [Snapshot] {
    try entries(metadata, from: file).map(Snapshot.init)
  }

  /// All entries of an image's table, at most 64 MiB of them.
  ///
  /// - Parameters:
  ///   - metadata: The image's header.
  ///   - file: The image.
  /// - Returns: The entries in the order of the table.
  /// - Throws: `ImageError`; no content makes it trap.
  package static func entries(
    _ metadata: ImageMetadata, from file: ImageFile
  ) throws(ImageError) -> [SnapshotEntry] {
    if metadata.header.snapshotCount == 0 { return [] }
    try checkCount(metadata.header, of: file)
    // Checked before memory is taken: each entry has at least its fixed bytes.
    try file.check(
      UInt64(metadata.header.snapshotCount) * UInt64(SnapshotEntry.fixedBytes),
      at: metadata.header.snapshotsOffset, "the snapshot table")
    return try read(metadata, from: file, readsPastEnd: false).entries
  }

  /// All entries of the table of an image which may be damaged.
  ///
  /// - Parameters:
  ///   - metadata: The image's header.
  ///   - file: The image.
  ///   - readsPastEnd: Whether what is beyond the file's end counts as zeros, not as an error.
  /// - Returns: The entries in the order of the table, and its size.
  /// - Throws: `ImageError`; no content makes it trap.
  static func read(
    _ metadata: ImageMetadata, from file: ImageFile, readsPastEnd: Bool
  ) throws(ImageError) -> (entries: [SnapshotEntry], byteCount: UInt64) {
    let header = metadata.header
    let start = header.snapshotsOffset
    try checkCount(header, of: file)
    let end = start.bytes.addingReportingOverflow(ImageLimits.snapshotTableSize)
    guard !end.overflow, end.partialValue <= UInt64(Int64.max) else {
      throw file.malformed("a snapshot table at byte \(start.bytes), which is no place in a file")
    }
    var (entries, size) = ([SnapshotEntry](), UInt64(0))
    for index in 0..<header.snapshotCount {
      size = (size + 7) & ~7
      let entry = try entry(index, at: start.advanced(by: size), from: file, readsPastEnd)
      size += entry.byteCount
      guard size <= ImageLimits.snapshotTableSize else {
        throw file.malformed(
          "a snapshot table of more than \(ImageLimits.snapshotTableSize) bytes, which is the most")
      }
      entries.append(entry.entry)
    }
    return (entries, size)
  }

  private static func checkCount(_ header: Header, of file: ImageFile) throws(ImageError) {
    guard header.snapshotCount <= ImageLimits.snapshots else {
      throw file.malformed(
        "\(header.snapshotCount) snapshots, must be at most \(ImageLimits.snapshots)")
    }
  }

  /// Reads one entry; its size is without padding.
  private static func entry(
    _ index: UInt32, at host: HostOffset, from file: ImageFile, _ readsPastEnd: Bool
  ) throws(ImageError) -> (entry: SnapshotEntry, byteCount: UInt64) {
    func bytes(_ count: Int, at host: HostOffset) throws(ImageError) -> [UInt8] {
      if readsPastEnd { return try file.padded(count, at: host) }
      return try file.bytes(count, at: host, "snapshot \(index)")
    }
    let fixed = try bytes(SnapshotEntry.fixedBytes, at: host)
    let lengths: SnapshotEntry.Lengths
    do { lengths = try SnapshotEntry.Lengths(fixed) } catch {
      throw file.malformed("snapshot \(index) \(error.reason)")
    }
    let rest = try bytes(lengths.all, at: host.advanced(by: UInt64(fixed.count)))
    return (SnapshotEntry(fixed, lengths, rest), UInt64(fixed.count + rest.count))
  }
}
