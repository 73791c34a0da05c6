internal import DiskIO

/// The memory of the tag filters, which grows by a group of lanes at a time.
///
/// Groups that are made one after the other have a panel of memory each at first. When there are
/// enough of them they move into one panel that they share, where their lines of a bucket are side by
/// side: a processor loads lines that are neighbours sooner than lines far apart.
///
/// ```
/// panel: | bucket 0: line of group 0, line of group 1, … | bucket 1: line of group 0, …
/// ```
///
/// While groups move, the memory that they leave is given back bit by bit, so a move takes hardly more
/// than what the groups take before and after it.
final class TagPanels {
  private let geometry: StoreGeometry
  /// The memory, each panel with the first of the groups that share it.
  private var panels: [(memory: Panel, firstGroup: Int)] = []
  /// Where each group is; apart from `panels`, so that a lookup counts no references.
  private var places = UnsafeMutablePointer<GroupPlace>.allocate(capacity: 1)
  private var placesCapacity = 1
  /// How many groups there are.
  private(set) var groupCount = 0

  /// How many groups come to share a panel, in two steps.
  private static let groupsPerPanel = [16, 4]
  /// The buckets that move at once: 2 MiB of a group.
  private static let bucketsPerMove = 1 << 15

  /// No groups yet.
  init(_ geometry: StoreGeometry) {
    self.geometry = geometry
  }

  deinit { places.deallocate() }

  /// The bytes by which the memory grows.
  static func groupBytes(_ geometry: StoreGeometry) -> Int {
    geometry.bucketCount * TagLine.byteCount
  }

  /// The bytes of all panels.
  var ramBytes: Int { groupCount * Self.groupBytes(geometry) }

  /// Where all groups are, until the next one is added.
  @inline(__always)
  var all: UnsafePointer<GroupPlace> { UnsafePointer(places) }

  /// Adds a group, whose tags are all zero.
  ///
  /// - Parameter otherBytes: What the rest of the store takes.
  /// - Throws: `StoreError.memory` if there is not enough; nothing has changed then.
  func addGroup(besides otherBytes: Int) throws(StoreError) {
    let sharing = Self.groupsPerPanel.first { (groupCount + 1) % $0 == 0 } ?? 1
    let first = groupCount + 1 - sharing
    let memory = try Panel(
      byteCount: sharing * Self.groupBytes(geometry),
      besides: otherBytes + first * Self.groupBytes(geometry))
    if groupCount == placesCapacity { growPlaces() }
    let stride = sharing * TagLine.byteCount
    func place(of group: Int) -> GroupPlace {
      GroupPlace(base: memory.base + (group - first) * TagLine.byteCount, stride: stride)
    }
    var stayed = panels.count
    while stayed > 0, panels[stayed - 1].firstGroup >= first { stayed -= 1 }
    let moved = panels[stayed...].map(\.memory)
    panels.removeLast(moved.count)
    panels.append((memory, firstGroup: first))
    for start in Swift.stride(from: 0, to: geometry.bucketCount, by: Self.bucketsPerMove) {
      let end = min(start + Self.bucketsPerMove, geometry.bucketCount)
      for group in first..<groupCount {
        copy(start..<end, from: places[group], to: place(of: group))
      }
      for panel in moved { panel.discard(upTo: panel.byteCount / geometry.bucketCount * end) }
    }
    for group in first...groupCount { (places + group).initialize(to: place(of: group)) }
    groupCount += 1
  }

  /// Gives all memory back (S6).
  func removeAll() {
    panels.removeAll()
    groupCount = 0
  }

  /// Copies the lines of some buckets.
  private func copy(_ buckets: Range<Int>, from source: GroupPlace, to target: GroupPlace) {
    for bucket in buckets {
      target.line(of: bucket)
        .copyMemory(from: source.line(of: bucket), byteCount: TagLine.byteCount)
    }
  }

  private func growPlaces() {
    let larger = UnsafeMutablePointer<GroupPlace>.allocate(capacity: placesCapacity * 2)
    larger.moveInitialize(from: places, count: groupCount)
    places.deallocate()
    places = larger
    placesCapacity *= 2
  }

  /// The memory of as many groups as share a panel.
  private final class Panel {
    private let memory: ZeroedBuffer

    var base: UnsafeMutableRawPointer { memory.bytes.baseAddress! }
    var byteCount: Int { memory.bytes.count }

    /// A panel of `byteCount` zero bytes, in a store that takes `otherBytes` besides.
    init(byteCount: Int, besides otherBytes: Int) throws(StoreError) {
      memory = try ZeroedBuffer(
        storeBytes: byteCount, purpose: "the filters of the hash store", besides: otherBytes)
    }

    /// Gives the memory of the first `byteCount` bytes back, which read as zeros from then on.
    func discard(upTo byteCount: Int) {
      memory.discard(upTo: byteCount)
    }
  }
}
