package import DedupStore
internal import DiskImage
package import QCOW2

/// The hash store that an image carries, as far as its header extension, its lists and the trailers
/// of its incarnations tell. Whatever is wrong with it, or cannot be read, is noted, not thrown: the
/// image can be read all the same.
package struct SavedHashStore {
  /// Why the store as a whole may not be trusted; nil if it may.
  package private(set) var problem: String?
  /// Why the lists could not be read; nil if they could, whatever is in them.
  private(set) var readFailure: ImageError?
  /// Why it says itself that it may not be used; nil if it does not say so.
  private(set) var staleness: String?
  /// The header; nil if it cannot be read.
  private(set) var header: StoreHeader?
  /// The lists; nil if they cannot be read.
  package private(set) var dump: StoreDump?
  /// The trailers of the incarnations, youngest first, or why a lookup skips one.
  private(set) var trailers: [Result<IncarnationTrailer, StoreProblem.Reason>] = []

  /// How much memory the store of a file may take: 64 MiB, or a quarter of what the file takes on the
  /// disk, up to 1 GiB. A small file may name large incarnations in a hole.
  ///
  /// - Throws: `ImageError` if the size of the file cannot be read.
  static func mostMemory(for file: ImageFile) throws(ImageError) -> UInt64 {
    min(max(64 << 20, try file.allocatedSize() / 4), 1 << 30)
  }

  /// The most bytes of lists that are read: of a million incarnations.
  private static let mostDumpBytes: UInt32 = 8 << 20

  /// Reads the store of an image; nil if it has none.
  ///
  /// - Parameters:
  ///   - metadata: The image's header.
  ///   - file: The image.
  package init?(of metadata: ImageMetadata, in file: ImageFile) {
    guard let data = StoreInImage.extensionData(in: metadata) else { return nil }
    let alignment = UInt64(metadata.clusterSize)
    do throws(StoreFormatError) {
      let header = try StoreHeader.parse(data, fileSize: file.size, alignment: alignment)
      self.header = header
    } catch {
      note(error.description)
    }
    staleness = Self.staleness(header, metadata)
    if let staleness { note(staleness) }
    if let header { dump = readDump(header, from: file, alignment: alignment) }
    if let header, let dump, let geometry = try? StoreGeometry(order: Int(dump.order)) {
      noteOverlap(header, dump, geometry)
      let storage = SavedStoreStorage(file)
      trailers = dump.incarnations.map { offset in
        Result { () throws(StoreProblem.Reason) in
          try IncarnationTrailer(ofIncarnationAt: offset, geometry: geometry, storage: storage)
        }
      }
      noteSequences(dump)
    }
  }

  /// The state of the store, by what has been read of it.
  var state: StoreState {
    staleness != nil ? .stale : firstProblem != nil ? .damaged : .valid
  }

  /// What is wrong with the store or, if nothing is, with the first incarnation that lookups pass
  /// over; nil if all of it may be used.
  var firstProblem: String? {
    if let problem { return problem }
    let index = trailers.firstIndex { (try? $0.get()) == nil }
    guard let index, case .failure(let reason) = trailers[index], let dump else { return nil }
    return Self.problem(ofIncarnationAt: dump.incarnations[index], reason)
  }

  /// What is wrong with an incarnation that lookups skip.
  static func problem(
    ofIncarnationAt offset: StorageOffset, _ reason: StoreProblem.Reason
  ) -> String {
    "the incarnation at byte \(offset): \(reason)"
  }

  /// Opens the store for lookups. Its filters load in the background (S28).
  ///
  /// - Parameter file: The image that it was read from.
  /// - Returns: The store, into which nothing can be frozen; nil if it may not be trusted.
  /// - Throws: `StoreError` if there is not enough memory, or no thread.
  package func open(in file: ImageFile) throws(StoreError) -> HashStore? {
    guard problem == nil, let header, let dump else { return nil }
    return try HashStore(
      opening: dump, maxIncarnations: header.maxIncarnations, storage: SavedStoreStorage(file))
  }

  private static func staleness(_ header: StoreHeader?, _ metadata: ImageMetadata) -> String? {
    if header?.isDirty == true { return "a program was changing it when it ended" }
    if StoreInImage.isMarked(metadata) { return nil }
    return "the image was written to since the store was made, by a program without it"
  }

  /// Notes what is wrong; the first thing counts.
  private mutating func note(_ reason: String) {
    if problem == nil { problem = reason }
  }

  private mutating func readDump(
    _ header: StoreHeader, from file: ImageFile, alignment: UInt64
  ) -> StoreDump? {
    guard header.dumpLength <= Self.mostDumpBytes else {
      note("its lists have \(header.dumpLength) bytes, at most \(Self.mostDumpBytes) are read")
      return nil
    }
    do {
      let bytes =
        try header.inlineDump
        ?? file.bytes(
          Int(header.dumpLength), at: HostOffset(header.dumpOffset?.bytes ?? 0),
          "the hash store's lists")
      try header.checkDump(bytes)
      return try StoreDump.parse(bytes, fileSize: file.size, alignment: alignment).dump
    } catch {
      if let error = error as? ImageError { readFailure = error }
      note("\(error)")
      return nil
    }
  }

  /// Notes if lists that stand elsewhere than in the header stand where an incarnation or limbo does.
  private mutating func noteOverlap(
    _ header: StoreHeader, _ dump: StoreDump, _ geometry: StoreGeometry
  ) {
    guard let start = header.dumpOffset else { return }
    let (end, size) = (start + Int(header.dumpLength), geometry.incarnationBytes)
    let other = (dump.incarnations + dump.limbo).first { start < $0 + size && $0 < end }
    if let other {
      note("the dump overlaps the incarnation or limbo space at byte \(other)")
    }
  }

  /// Notes if a sequence does not fall from young to old.
  private mutating func noteSequences(_ dump: StoreDump) {
    var younger: UInt64?
    for (offset, trailer) in zip(dump.incarnations, trailers) {
      guard case .success(let trailer) = trailer else { continue }
      if let younger, younger <= trailer.sequence {
        note(
          """
          the incarnation at byte \(offset) has the sequence \(trailer.sequence), \
          and a younger one has \(younger)
          """)
      }
      younger = trailer.sequence
    }
  }
}
