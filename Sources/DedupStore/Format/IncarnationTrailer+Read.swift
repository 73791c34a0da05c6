internal import DiskIO

extension IncarnationTrailer {
  /// Reads the trailer of a saved incarnation.
  ///
  /// - Parameters:
  ///   - offset: Where the incarnation begins.
  ///   - geometry: The sizes of its store.
  ///   - storage: What holds it.
  /// - Throws: `StoreProblem.Reason`: it cannot be read, is damaged, or is not of such a store.
  package init(
    ofIncarnationAt offset: UInt64, geometry: StoreGeometry, storage: any StoreStorage
  ) throws(StoreProblem.Reason) {
    let place = offset + UInt64(geometry.filterBytes - Self.byteCount)
    let bytes: [UInt8]
    do throws(IOError) {
      let buffer = try AlignedBuffer(
        byteCount: Self.byteCount, purpose: "an incarnation's trailer")
      try storage.read(into: buffer.bytes, at: place)
      bytes = Array(buffer.bytes)
    } catch {
      throw .io(error)
    }
    do throws(StoreFormatError) { try self.init(parsing: bytes) } catch { throw .format(error) }
    guard order == UInt32(geometry.order), usedEntries <= UInt64(geometry.entryCount) else {
      throw .foreign(order: order, usedEntries: usedEntries)
    }
  }
}
