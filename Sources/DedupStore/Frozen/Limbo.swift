/// Where the room for a new incarnation comes from: the disk space of forgotten incarnations, and
/// fresh space from the storage only when there is none (S15, S16, S19).
package struct Limbo {
  /// Room for one incarnation.
  package struct Region {
    /// Where it begins.
    let offset: StorageOffset
    /// Whether it was never written and reads as zeros; else it holds what an older one left.
    let isFresh: Bool

    /// The room at this place.
    package init(offset: StorageOffset, isFresh: Bool) {
      self.offset = offset
      self.isFresh = isFresh
    }
  }

  /// The spaces, newest first, as the dump lists them.
  private(set) var offsets: [StorageOffset]

  /// The spaces at these offsets, newest first.
  init(_ offsets: [StorageOffset] = []) {
    self.offsets = offsets
  }

  /// Takes the space that has waited longest if there is any, else newly allocated room.
  ///
  /// - Parameters:
  ///   - byteCount: The size of an incarnation.
  ///   - storage: What is asked for room.
  /// - Throws: `StoreError.allocation`; nothing has changed then.
  mutating func takeRegion(
    byteCount: Int, from storage: any StoreStorage
  ) throws(StoreError) -> Region {
    if let offset = offsets.popLast() { return Region(offset: offset, isFresh: false) }
    return Region(offset: try storage.allocate(byteCount: UInt64(byteCount)), isFresh: true)
  }

  /// Puts a region whose use has failed where it is the next to be taken.
  mutating func putBack(_ region: Region) {
    offsets.append(region.offset)
  }

  /// Adds the space of an incarnation that was just forgotten; O(n).
  mutating func addNewest(_ offset: StorageOffset) {
    offsets.insert(offset, at: 0)
  }
}
