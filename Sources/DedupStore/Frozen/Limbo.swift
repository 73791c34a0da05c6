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
  /// How many of the last ones may be taken; nil for all. The saved lists of a file that is being
  /// changed still name what is forgotten now, so only what they call limbo may be written.
  private var takeable: Int?

  /// The spaces at these offsets, newest first.
  ///
  /// - Parameters:
  ///   - offsets: The spaces.
  ///   - keepsForgotten: Whether only these are taken, and none that is added later.
  init(_ offsets: [StorageOffset] = [], keepsForgotten: Bool = false) {
    self.offsets = offsets
    takeable = keepsForgotten ? offsets.count : nil
  }

  /// Takes the space that has waited longest if there is any, else newly allocated room.
  ///
  /// - Parameters:
  ///   - byteCount: The size of an incarnation.
  ///   - storage: What is asked for room.
  /// - Returns: Where the incarnation goes.
  /// - Throws: `StoreError.allocation`; nothing has changed then.
  mutating func takeRegion(
    byteCount: Int, from storage: any StoreStorage
  ) throws(StoreError) -> Region {
    if takeable != 0, let offset = offsets.popLast() {
      if let count = takeable { takeable = count - 1 }
      return Region(offset: offset, isFresh: false)
    }
    return Region(offset: try storage.allocate(byteCount: UInt64(byteCount)), isFresh: true)
  }

  /// Puts a region whose use has failed where it is the next to be taken.
  mutating func putBack(_ region: Region) {
    offsets.append(region.offset)
    if let count = takeable { takeable = count + 1 }
  }

  /// Adds the space of an incarnation that was just forgotten; O(n).
  mutating func addNewest(_ offset: StorageOffset) {
    offsets.insert(offset, at: 0)
  }
}
