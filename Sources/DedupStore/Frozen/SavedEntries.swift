internal import DiskIO

/// Reads the entries of saved incarnations, without filters or lookups, to sort out which of them are
/// still good for anything.
///
/// One thread uses it. Memory: a piece of a table. Time: that of reading the tables.
public struct SavedEntries: ~Copyable {
  private let geometry: StoreGeometry
  private let incarnations: [StorageOffset]
  private let storage: any StoreStorage
  private let buffer: ZeroedBuffer

  /// How many slots are read at once, whole store clusters of a table.
  private static let slotsPerPiece = 4096

  /// The entries of a store.
  ///
  /// - Parameters:
  ///   - dump: Its lists; the incarnations have been found sound.
  ///   - storage: What holds them.
  /// - Throws: `StoreError.invalidOrder` or `.memory`.
  public init(_ dump: StoreDump, in storage: any StoreStorage) throws(StoreError) {
    let geometry = try StoreGeometry(order: Int(dump.order))
    buffer = try ZeroedBuffer(
      storeBytes: Self.slotsPerPiece * StoreGeometry.entryBytes, purpose: "reading the hash store")
    self.geometry = geometry
    self.storage = storage
    incarnations = dump.incarnations
  }

  /// Visits all entries, those of the oldest incarnation first, so that one that hides another comes
  /// after it.
  ///
  /// - Parameter body: Gets each entry.
  /// - Throws: `StoreError.io`, or what `body` throws.
  public borrowing func forEach(
    _ body: (StoreEntry) throws(StoreError) -> Void
  ) throws(StoreError) {
    for offset in incarnations.reversed() {
      for first in stride(from: 0, to: geometry.entryCount, by: Self.slotsPerPiece) {
        let count = min(Self.slotsPerPiece, geometry.entryCount - first)
        let bytes = UnsafeMutableRawBufferPointer(
          rebasing: buffer.bytes[..<(count * StoreGeometry.entryBytes)])
        let place = offset + (geometry.filterBytes + geometry.tableOffset(ofSlot: first))
        do { try storage.read(into: bytes, at: place) } catch { throw .io(error) }
        for slot in 0..<count {
          let entry = StoreEntry(
            decoding: UnsafeRawBufferPointer(bytes), at: slot * StoreGeometry.entryBytes)
          if !entry.isEmpty { try body(entry) }
        }
      }
    }
  }
}
