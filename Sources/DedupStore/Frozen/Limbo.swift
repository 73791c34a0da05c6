/// The disk space of forgotten incarnations, waiting to be used again (S15, S16, S19).
struct Limbo {
  /// The offsets, newest first, as the dump lists them.
  private(set) var offsets: [UInt64]

  /// The spaces at these offsets, newest first.
  init(offsets: [UInt64] = []) {
    self.offsets = offsets
  }

  /// The number of spaces.
  var count: Int { offsets.count }

  /// Adds the space of an incarnation that was just forgotten; O(n).
  mutating func addNewest(_ offset: UInt64) {
    offsets.insert(offset, at: 0)
  }

  /// Puts a space where it is the next to be taken: one whose use has failed.
  mutating func addOldest(_ offset: UInt64) {
    offsets.append(offset)
  }

  /// Takes the space that has waited longest, or nil if there is none.
  mutating func takeOldest() -> UInt64? {
    offsets.popLast()
  }
}
