/// A bounded number of places of a disk, spread evenly over its data: one of each stratum.
///
/// A stratum is 2^bits bytes of the disk. Of the units in it that hold data, the one with the
/// smallest key is taken: as good as by lot, for keys are digests. When there are more strata than
/// `limit`, neighbours merge. Neighbours on a disk are much alike, so such a sample is as good as one
/// of two to eight times its size drawn from the whole disk (measured on root file systems).
///
/// The strata end up the smallest of which there are at most `limit`, and each with the smallest key
/// in it, in whatever order units come: the result depends on the disk alone.
struct StratifiedSample {
  /// A unit that was taken.
  struct Unit {
    /// Part of its digest.
    var key: UInt64
    /// The guest offset of its first byte.
    var offset: UInt64
    /// How many units with data the stratum has: all that this one stands for.
    var weight: UInt64
    /// Whether it holds nothing but zeros and pieces that are one byte throughout.
    var isUniform = false
  }

  /// The binary logarithm of a stratum's size in bytes.
  private(set) var bits: Int
  private let limit: Int
  private var strata: [UInt64: Unit] = [:]

  /// - Parameters:
  ///   - bits: The binary logarithm of the smallest stratum's size in bytes.
  ///   - limit: The most strata.
  init(bits: Int, limit: Int) {
    self.bits = bits
    self.limit = limit
  }

  /// The units in the order of the disk.
  var units: [Unit] { strata.values.sorted { $0.offset < $1.offset } }

  /// Notes units of one stratum.
  ///
  /// - Parameter unit: The one with the smallest key, and how many they are.
  mutating func add(_ unit: Unit) {
    Self.add(unit, to: &strata[unit.offset >> UInt64(bits)])
    while strata.count > limit { merge() }
  }

  private mutating func merge() {
    bits += 1
    var merged: [UInt64: Unit] = [:]
    merged.reserveCapacity(strata.count)
    for unit in strata.values { Self.add(unit, to: &merged[unit.offset >> UInt64(bits)]) }
    strata = merged
  }

  private static func add(_ unit: Unit, to place: inout Unit?) {
    guard let old = place else {
      place = unit
      return
    }
    let isSmaller = (unit.key, unit.offset) < (old.key, old.offset)
    place = isSmaller ? unit : old
    place?.weight = old.weight + unit.weight
  }
}

/// Two samples of the units of a disk: of those that are uniform, such as erased flash, and of all
/// others. A disk that is mostly erased would leave few places for its data otherwise.
///
/// Each stands for its own units alone, so both together stand for all of them.
struct DataSample {
  /// How large strata are, as binary logarithms of bytes.
  struct Strata {
    var varied: Int
    var uniform: Int

    /// The stratum of a unit, within the sample that it belongs to.
    func stratum(of unit: StratifiedSample.Unit) -> UInt64 {
      unit.offset >> UInt64(unit.isUniform ? uniform : varied)
    }
  }

  private var varied: StratifiedSample
  private var uniform: StratifiedSample
  private let firstBits: Int

  /// - Parameters:
  ///   - bits: The binary logarithm of the smallest stratum's size in bytes.
  ///   - limit: The most strata of each sample.
  init(bits: Int, limit: Int) {
    varied = StratifiedSample(bits: bits, limit: limit)
    uniform = varied
    firstBits = bits
  }

  /// The units in the order of the disk.
  var units: [StratifiedSample.Unit] {
    (varied.units + uniform.units).sorted { ($0.offset, $0.key) < ($1.offset, $1.key) }
  }

  /// Whether the strata are as small as they were.
  var isWhole: Bool { varied.bits == firstBits && uniform.bits == firstBits }

  /// How large the strata are by now.
  var strata: Strata { Strata(varied: varied.bits, uniform: uniform.bits) }

  /// Notes units of one stratum, all uniform or none.
  mutating func add(_ unit: StratifiedSample.Unit) {
    if unit.isUniform { uniform.add(unit) } else { varied.add(unit) }
  }
}
