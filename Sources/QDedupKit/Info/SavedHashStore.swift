package import DedupStore
package import DiskImage
package import QCOW2

/// The hash store that an image carries, as far as its header extension, its lists and the trailers
/// of its incarnations tell. Whatever is wrong is noted, not thrown: the image can be read all the
/// same.
package struct SavedHashStore {
  /// Why the store may not be trusted; nil if it may.
  package private(set) var problem: String?
  /// Why it says itself that it may not be used; nil if it does not say so.
  private(set) var staleness: String?
  /// The header; nil if it cannot be read.
  private(set) var header: StoreHeader?
  /// The lists; nil if they cannot be read.
  package private(set) var dump: StoreDump?
  /// The trailers of the incarnations, youngest first; nil for a damaged one.
  private(set) var trailers: [IncarnationTrailer?] = []

  /// The most bytes of lists that are read: of a million incarnations.
  private static let mostDumpBytes: UInt32 = 8 << 20

  /// Reads the store of an image; nil if it has none.
  ///
  /// - Parameters:
  ///   - metadata: The image's header.
  ///   - file: The image.
  /// - Throws: `ImageError` if the file cannot be read.
  package init?(of metadata: ImageMetadata, in file: ImageFile) throws(ImageError) {
    guard let data = metadata.extensions.first(where: { $0.type == StoreHeader.extensionType })
    else { return nil }
    let alignment = UInt64(metadata.clusterSize)
    do throws(StoreFormatError) {
      let header = try StoreHeader.parse(data.data, fileSize: file.size, alignment: alignment)
      self.header = header
    } catch {
      note(error.description)
    }
    staleness = Self.staleness(header, metadata)
    if let staleness { note(staleness) }
    if let header {
      dump = try readDump(header, from: file, alignment: alignment)
    }
    if let dump { trailers = try readTrailers(dump, from: file) }
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
    if metadata.marksHashStore { return nil }
    return "the image was written to since the store was made, by a program without it"
  }

  /// Notes what is wrong; the first thing counts.
  private mutating func note(_ reason: String) {
    if problem == nil { problem = reason }
  }

  private mutating func readDump(
    _ header: StoreHeader, from file: ImageFile, alignment: UInt64
  ) throws(ImageError) -> StoreDump? {
    guard header.dumpLength <= Self.mostDumpBytes else {
      note("its lists have \(header.dumpLength) bytes, at most \(Self.mostDumpBytes) are read")
      return nil
    }
    let bytes: [UInt8]
    if let inline = header.inlineDump {
      bytes = inline
    } else {
      bytes = try file.bytes(
        Int(header.dumpLength), at: header.dumpOffset, "the hash store's lists")
    }
    do throws(StoreFormatError) {
      try header.checkDump(bytes)
      return try StoreDump.parse(bytes, fileSize: file.size, alignment: alignment).dump
    } catch {
      note(error.description)
      return nil
    }
  }

  private mutating func readTrailers(
    _ dump: StoreDump, from file: ImageFile
  ) throws(ImageError) -> [IncarnationTrailer?] {
    guard let geometry = try? StoreGeometry(order: Int(dump.order)) else { return [] }
    var trailers: [IncarnationTrailer?] = []
    for offset in dump.incarnations {
      let place = offset + UInt64(geometry.filterBytes - IncarnationTrailer.byteCount)
      let bytes = try file.bytes(
        IncarnationTrailer.byteCount, at: place, "an incarnation's trailer")
      do throws(StoreFormatError) {
        let trailer = try IncarnationTrailer(parsing: bytes)
        guard trailer.order == dump.order, trailer.usedEntries <= UInt64(geometry.entryCount) else {
          note("the incarnation at byte \(offset) is not one of this store")
          trailers.append(nil)
          continue
        }
        trailers.append(trailer)
      } catch {
        note("the incarnation at byte \(offset): \(error)")
        trailers.append(nil)
      }
    }
    return trailers
  }
}

extension ImageMetadata {
  /// Whether the feature bit says that the hash store may be used.
  var marksHashStore: Bool {
    features.contains { $0.kind == .autoclear && Int($0.bit) == StoreHeader.autoclearBit }
  }
}
