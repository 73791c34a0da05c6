internal import DedupStore
internal import DiskIO
internal import DiskImage
internal import QCOW2

/// Checks incarnations of a hash store: each slot of the table beside its tag in the filter, the
/// checksums, and the trailer's count.
struct IncarnationCheck: ~Copyable {
  private let geometry: StoreGeometry
  private let file: ImageFile
  private let entryCheck: EntryCheck
  private let data: EntryDataCheck?
  private let lookups: LookupCheck?
  private let filter: AlignedBuffer
  private let table: AlignedBuffer
  private let filterChecksum: XXH3Stream
  private let tableChecksum: XXH3Stream

  /// How many slots are read at once: whole store clusters of the table.
  private static let slotsPerPiece = 4096

  /// A check of incarnations with this geometry.
  ///
  /// - Parameters:
  ///   - geometry: The sizes of the store.
  ///   - metadata: The image's header.
  ///   - file: The image.
  ///   - checker: What has checked its tables.
  ///   - comparesData: Whether digests are compared with clusters.
  ///   - lookups: What looks up the entries, if they are.
  /// - Throws: `ImageError` if there is not enough memory.
  init(
    _ geometry: StoreGeometry, _ metadata: ImageMetadata, _ file: ImageFile,
    _ checker: ImageChecker, comparesData: Bool, _ lookups: LookupCheck?
  ) throws(ImageError) {
    let data = comparesData ? try EntryDataCheck(metadata, file) : nil
    let filter = try Self.buffer(Self.slotsPerPiece * 4)
    let table = try Self.buffer(Self.slotsPerPiece * StoreGeometry.entryBytes)
    let filterChecksum = try Self.checksum(file)
    let tableChecksum = try Self.checksum(file)
    self.geometry = geometry
    self.file = file
    entryCheck = EntryCheck(geometry, metadata, checker)
    self.data = data
    self.lookups = lookups
    self.filter = filter
    self.table = table
    self.filterChecksum = filterChecksum
    self.tableChecksum = tableChecksum
  }

  private static func buffer(_ byteCount: Int) throws(ImageError) -> AlignedBuffer {
    try ImageError.wrappingIO(try AlignedBuffer(byteCount: byteCount, purpose: "a hash store"))
  }

  private static func checksum(_ file: ImageFile) throws(ImageError) -> XXH3Stream {
    do { return try XXH3Stream() } catch {
      throw .unsupported(file.path, reason: "\(error)")
    }
  }

  /// Checks an incarnation.
  ///
  /// - Parameters:
  ///   - host: Where it begins; all of it is inside the file.
  ///   - trailer: Its trailer.
  ///   - report: Where what is wrong goes.
  /// - Throws: `ImageError` if the file cannot be read.
  func run(
    _ host: HostOffset, _ trailer: IncarnationTrailer, _ report: inout CheckReport.HashStore
  ) throws(ImageError) {
    filterChecksum.reset()
    tableChecksum.reset()
    let name = "the incarnation at byte \(host.bytes)"
    let tableStart = host.bytes + UInt64(geometry.filterBytes)
    var used: UInt64 = 0
    for first in stride(from: 0, to: geometry.entryCount, by: Self.slotsPerPiece) {
      let count = min(Self.slotsPerPiece, geometry.entryCount - first)
      let tags = try read(
        count * geometry.tagBytes, at: host.bytes + UInt64(first * geometry.tagBytes), filter)
      let slots = try read(
        count * StoreGeometry.entryBytes,
        at: tableStart + UInt64(geometry.tableOffset(ofSlot: first)),
        table)
      filterChecksum.update(tags)
      tableChecksum.update(slots)
      for index in 0..<count {
        let entry = StoreEntry(decoding: slots, at: index * StoreGeometry.entryBytes)
        let tag =
          geometry.tagBytes == 2
          ? Int(tags.loadBigEndian(UInt16.self, at: index * 2))
          : Int(tags.loadBigEndian(UInt32.self, at: index * 4))
        if !entry.isEmpty { used += 1 }
        if let problem = entryCheck.problem(of: entry, tag: tag, inSlot: first + index) {
          report.note("\(name), slot \(first + index): \(problem)")
        } else if !entry.isEmpty, entryCheck.isStale(entry) {
          report.staleEntries += 1
        } else if !entry.isEmpty {
          try data?.add(entry, name, slot: first + index, &report)
          try lookups?.check(entry, at: host, slot: first + index, &report)
        }
      }
    }
    try data?.flush(&report)
    report.entries += used
    try checkRests(host, tableStart, name, &report)
    if used != trailer.usedEntries {
      report.note("\(name) has \(used) entries, its trailer says \(trailer.usedEntries)")
    }
    check(name, "filter", filterChecksum.value, trailer.filterChecksum, &report)
    check(name, "table", tableChecksum.value, trailer.tableChecksum, &report)
  }

  /// Checks what comes after the tags and after the slots: zeros.
  private func checkRests(
    _ host: HostOffset, _ tableStart: UInt64, _ name: String,
    _ report: inout CheckReport.HashStore
  ) throws(ImageError) {
    let slack = geometry.filterBytes - IncarnationTrailer.byteCount - geometry.allTagsBytes
    let filterRest = try read(slack, at: host.bytes + UInt64(geometry.allTagsBytes), table)
    if filterRest.contains(where: { $0 != 0 }) {
      report.note("\(name) has something between its tags and its trailer")
    }
    let slotBytes = geometry.entryCount * StoreGeometry.entryBytes
    let tableRest = try read(
      geometry.tableBytes - slotBytes, at: tableStart + UInt64(slotBytes), table)
    tableChecksum.update(tableRest)
    if tableRest.contains(where: { $0 != 0 }) {
      report.note("\(name) has something after its last slot")
    }
  }

  private func check(
    _ name: String, _ area: String, _ computed: UInt64, _ stored: UInt64,
    _ report: inout CheckReport.HashStore
  ) {
    if computed != stored {
      report.note(
        """
        \(name): the checksum of its \(area) is 0x\(String(computed, radix: 16)), \
        must be 0x\(String(stored, radix: 16))
        """)
    }
  }

  private func read(
    _ byteCount: Int, at offset: UInt64, _ buffer: borrowing AlignedBuffer
  ) throws(ImageError) -> UnsafeRawBufferPointer {
    let part = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<byteCount])
    try file.read(into: part, at: HostOffset(offset), "an incarnation")
    return UnsafeRawBufferPointer(part)
  }
}
