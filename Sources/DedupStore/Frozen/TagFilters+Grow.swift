extension TagFilters {
  /// How many groups come to share a panel, in two steps: lines side by side come near sooner than
  /// lines far apart.
  private static let groupsPerPanel = [16, 4]
  /// The buckets that move at once: 2 MiB of a group.
  private static let bucketsPerMove = 1 << 15

  /// Makes sure that one more incarnation finds a lane.
  ///
  /// Memory grows by a group. When so many groups are there that they can share a panel, they move
  /// into a new one, which takes up as much as theirs is given back, bit by bit.
  ///
  /// - Parameter otherBytes: What the rest of the store takes.
  /// - Throws: `StoreError.memory` if a new group is needed and there is not enough.
  func reserveLane(besides otherBytes: Int) throws(StoreError) {
    guard ring.made == groupCount * TagLine.lanes else { return }
    let sharing = Self.groupsPerPanel.first { (groupCount + 1) % $0 == 0 } ?? 1
    let first = groupCount + 1 - sharing
    let groupBytes = Self.groupBytes(geometry)
    let memory = try FilterPanel(
      byteCount: sharing * groupBytes, besides: otherBytes + first * groupBytes)
    if groupCount == placesCapacity { growPlaces() }
    var stayed = panels.count
    while stayed > 0, panels[stayed - 1].firstGroup >= first { stayed -= 1 }
    let moved = panels[stayed...].map(\.memory)
    panels.removeLast(moved.count)
    panels.append((memory, firstGroup: first))
    let stride = sharing * TagLine.byteCount
    for start in Swift.stride(from: 0, to: geometry.bucketCount, by: Self.bucketsPerMove) {
      let end = min(start + Self.bucketsPerMove, geometry.bucketCount)
      for group in first..<groupCount {
        copy(start..<end, of: group, to: memory.base + (group - first) * TagLine.byteCount, stride)
      }
      for panel in moved { panel.discard(upTo: panel.byteCount / geometry.bucketCount * end) }
    }
    for group in first...groupCount {
      let base = memory.base + (group - first) * TagLine.byteCount
      (places + group).initialize(to: GroupPlace(base: base, stride: stride))
    }
    groupCount += 1
  }

  /// Copies the lines of some buckets of a group to a place where bucket 0 is at `base`.
  private func copy(
    _ buckets: Range<Int>, of group: Int, to base: UnsafeMutableRawPointer, _ stride: Int
  ) {
    let place = places[group]
    for bucket in buckets {
      (base + bucket * stride)
        .copyMemory(from: place.line(of: bucket), byteCount: TagLine.byteCount)
    }
  }

  private func growPlaces() {
    let larger = UnsafeMutablePointer<GroupPlace>.allocate(capacity: placesCapacity * 2)
    larger.moveInitialize(from: places, count: groupCount)
    places.deallocate()
    places = larger
    placesCapacity *= 2
  }
}
