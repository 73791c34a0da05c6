/// Which lanes of the filters hold which incarnations.
///
/// Incarnations take the lanes in turn, and one that comes after the oldest was forgotten takes its
/// lane, so the ages go round a ring: from `oldest` upwards, past the last lane to lane 0.
///
/// ```
/// made = 6, oldest = 4, count = 5:   lane   0 1 2 3 4 5
///                                    rank   2 3 4 – 0 1
/// ```
struct LaneRing {
  /// The lanes made so far.
  private(set) var made = 0
  /// The lane of the oldest incarnation.
  private var oldest = 0
  /// The lanes in use.
  private(set) var count = 0

  /// The lanes in use from lane 0 on when the ring goes past the last lane: the younger ones.
  var wrapped: Range<Int> { 0..<max(oldest + count - made, 0) }
  /// The lanes in use from `oldest` on: the older ones, or all.
  var straight: Range<Int> { oldest..<min(oldest + count, made) }

  /// The age rank of a lane's incarnation: 0 for the oldest.
  func rank(ofLane lane: Int) -> Int {
    lane >= oldest ? lane - oldest : lane - oldest + made
  }

  /// Gives up the lane of the oldest incarnation, of which there must be one.
  mutating func dropOldest() {
    oldest = (oldest + 1) % made
    count -= 1
  }

  /// Gives up the lane of the youngest incarnation, of which there must be one.
  mutating func dropYoungest() {
    count -= 1
  }

  /// Takes a lane for a new youngest incarnation: the one that was given up, else a new one.
  ///
  /// - Precondition: A ring that goes past its end has a lane that was given up. As the limit of
  ///   incarnations never changes, an incarnation comes then only after another one went.
  mutating func takeLane() -> Int {
    if count == made {
      precondition(oldest == 0, "a lane ring can only grow at its end")
      made += 1
    }
    count += 1
    return (oldest + count - 1) % made
  }

  /// Checks that the lanes in use, from the youngest to the oldest, have the ranks from `count - 1`
  /// down to 0; O(lanes).
  ///
  /// - Throws: `BrokenInvariant`.
  func checkInvariants() throws(BrokenInvariant) {
    guard 0...made ~= count, oldest == 0 || 0..<made ~= oldest else {
      throw BrokenInvariant("\(count) lanes from \(oldest) on, of \(made)")
    }
    let ranks = (wrapped.reversed() + straight.reversed()).map { rank(ofLane: $0) }
    if ranks != (0..<count).reversed() {
      throw BrokenInvariant("the lanes from young to old have the ranks \(ranks)")
    }
  }
}
