internal import CQDedupShims
internal import DiskIO

/// Which contents there are, how often, and in which images: a table of 64-bit keys.
///
/// A key is half of a cluster's digest. Two contents have the same one with a chance of one in
/// 2^64, which an estimate can bear; nothing is shared because of it.
///
/// The table grows until it has `mostSlots` slots. When three quarters of them are taken it becomes
/// a sample: only keys whose first `level` bits are 0 stay and are taken from then on, and each
/// stands for 2^level contents. The first bits of a digest are as good as drawn by lot, so what is
/// counted in the sample, times 2^level, is an unbiased estimate. The level is the smallest with
/// which all kept keys fit. It depends on the contents and on `mostSlots`, not on their order, so
/// any number of threads comes to the same result.
///
/// Linear probing; a slot takes 8 bytes for the key and 2 for how often it was seen, and 8 for the
/// images if there are several. O(1) for an insertion, O(slots) to grow and to count. One thread at a
/// time may use it.
final class DistinctSet: @unchecked Sendable {
  // Unchecked: a scan inserts under its lock, and afterwards nothing changes any more.

  /// How many of a key's first bits must be 0; more than 0 only in a sample.
  private(set) var level = 0
  /// How many keys there are.
  private(set) var count = 0

  /// For each image, how many pieces of 4 KiB with data its contents have together; right only while
  /// the set is no sample.
  private var pieces: [UInt64]
  private var unionPieces: UInt64 = 0
  private let mostSlots: Int
  private let hasImages: Bool
  private var table: Table

  /// The bytes of a slot.
  static func slotBytes(images: Int) -> Int { images > 1 ? 18 : 10 }

  /// An empty set.
  ///
  /// - Parameters:
  ///   - mostSlots: The most slots, a power of two, at least 64.
  ///   - keys: How many keys may come. The set begins with room for them, up to a million slots.
  ///   - images: How many images there are, at most 64.
  /// - Throws: `IOError` of `.allocate` if there is no memory.
  init(mostSlots: Int, keys: UInt64 = 0, images: Int) throws(IOError) {
    self.mostSlots = mostSlots
    hasImages = images > 1
    pieces = Array(repeating: 0, count: images)
    var slots = 1 << 12
    while slots < 1 << 20, UInt64(slots / 4 * 3) < keys { slots *= 2 }
    table = try Table(slots: min(slots, mostSlots), hasImages: hasImages)
  }

  /// A cluster with data, to be counted.
  struct Cluster {
    /// Half of the content's digest.
    var key: UInt64
    /// How many of its pieces of 4 KiB are not zeros.
    var pieces: UInt8
  }

  /// Asks for the memory of clusters that are inserted soon, so that the waits for several overlap.
  func announce(_ clusters: ArraySlice<Cluster>) {
    let table = table
    for cluster in clusters where isKept(cluster.key) { table.announce(cluster.key) }
  }

  /// Notes that an image has these clusters.
  ///
  /// - Parameters:
  ///   - clusters: The clusters.
  ///   - image: The number of the image, 0 to 63.
  /// - Throws: `IOError` of `.allocate` if there is no memory to grow.
  func insert(_ clusters: ArraySlice<Cluster>, image: Int) throws(IOError) {
    var (table, count, newPieces, newPiecesOfImage) = (table, count, UInt64(0), UInt64(0))
    for cluster in clusters where isKept(cluster.key) {
      let (isNew, isNewInImage) = table.insert(cluster.key, image: image)
      if isNewInImage { newPiecesOfImage += UInt64(cluster.pieces) }
      guard isNew else { continue }
      count += 1
      newPieces += UInt64(cluster.pieces)
      while count > table.slots / 4 * 3 { (table, count) = try roomier(table) }
    }
    (self.table, self.count) = (table, count)
    unionPieces += newPieces
    pieces[image] += newPiecesOfImage
  }

  /// How often a content was seen, at most 65,535, and in how many images; nil if it is not kept.
  func occurrences(_ key: UInt64) -> (times: Int, images: Int)? {
    guard isKept(key), let slot = table.slot(key) else { return nil }
    return (Int(table.counts[slot]), table.images.map { $0[slot].nonzeroBitCount } ?? 1)
  }

  private func isKept(_ key: UInt64) -> Bool { level == 0 || key >> UInt64(64 - level) == 0 }

  /// A table of twice the size, or one that keeps half, and how many keys it has.
  private func roomier(_ old: Table) throws(IOError) -> (table: Table, count: Int) {
    let isFull = old.slots >= mostSlots
    if isFull { level += 1 }
    let new = try Table(slots: isFull ? old.slots : old.slots * 2, hasImages: hasImages)
    var count = 0
    for slot in 0..<old.slots where old.keys[slot] != 0 && isKept(old.keys[slot]) {
      new.move(slot, of: old)
      count += 1
    }
    return (new, count)
  }

  /// What the set knows in the end.
  struct Tally {
    /// How many contents each image has.
    var distinct: [UInt64]
    /// How many contents all images have together.
    var union: UInt64
    /// How many contents images i and j, i < j, have both: at `[i][j]`.
    var shared: [[UInt64]]
    /// How often the most frequent content was seen; 65,535 stands for that and more.
    var mostFrequent: Int
    /// How many pieces of 4 KiB with data the contents of each image have; empty if that was not
    /// counted, because the set is a sample.
    var pieces: [UInt64]
    /// The same of all images together.
    var unionPieces: UInt64
    /// How far, at 95 %, a number above may be from the truth, by the number; 0 if all are exact.
    var relativeError: Double
  }

  /// Counts what there is, scaled up if the set is a sample.
  func tally(images: Int) -> Tally {
    var tally = Tally(
      distinct: Array(repeating: 0, count: images), union: 0,
      shared: Array(repeating: Array(repeating: 0, count: images), count: images),
      mostFrequent: 0, pieces: level == 0 ? pieces : [], unionPieces: unionPieces,
      relativeError: 0)
    let factor = UInt64(1) << UInt64(level)
    tally.union = UInt64(count) * factor
    tally.mostFrequent = table.mostFrequent
    if let images = table.images {
      for slot in 0..<table.slots { Self.count(images[slot], factor, in: &tally) }
    } else {
      tally.distinct = [tally.union]
    }
    // A binomial sample: the variance of count / p is count (1 - p) / p².
    if level > 0, count > 0 {
      tally.relativeError =
        1.96 * (1 - 1 / Double(factor)).squareRoot() / Double(count).squareRoot()
    }
    return tally
  }

  /// Counts a content of the images whose bits are set.
  private static func count(_ images: UInt64, _ factor: UInt64, in tally: inout Tally) {
    var rest = images
    while rest != 0 {
      let image = rest.trailingZeroBitCount
      rest &= rest - 1
      tally.distinct[image] += factor
      var others = rest
      while others != 0 {
        tally.shared[image][others.trailingZeroBitCount] += factor
        others &= others - 1
      }
    }
  }
}

/// The slots of a `DistinctSet`. A key of 0 is a free slot.
private final class Table {
  let slots: Int
  private let memory: ZeroedBuffer
  let keys: UnsafeMutablePointer<UInt64>
  let images: UnsafeMutablePointer<UInt64>?
  let counts: UnsafeMutablePointer<UInt16>

  init(slots: Int, hasImages: Bool) throws(IOError) {
    self.slots = slots
    let slotBytes = DistinctSet.slotBytes(images: hasImages ? 2 : 1)
    memory = try ZeroedBuffer(byteCount: slots * slotBytes, purpose: "what has been seen")
    let base = memory.bytes.baseAddress!
    keys = base.bindMemory(to: UInt64.self, capacity: slots)
    let second = base + slots * 8
    images = hasImages ? second.bindMemory(to: UInt64.self, capacity: slots) : nil
    counts = (hasImages ? second + slots * 8 : second).bindMemory(to: UInt16.self, capacity: slots)
  }

  /// How often the key is there that was counted most often; O(slots).
  var mostFrequent: Int { Int(UnsafeBufferPointer(start: counts, count: slots).max() ?? 0) }

  /// Asks for the slot at which the search for a key begins.
  func announce(_ key: UInt64) {
    let slot = Int(key & UInt64(slots - 1))
    qdedup_prefetch(keys + slot)
    qdedup_prefetch(counts + slot)
    if let images { qdedup_prefetch(images + slot) }
  }

  /// Where a key is.
  func slot(_ key: UInt64) -> Int? {
    let key = key == 0 ? 1 : key
    let slot = place(key)
    return keys[slot] == 0 ? nil : slot
  }

  /// Counts a key; tells whether it is new, and new in this image.
  func insert(_ key: UInt64, image: Int) -> (isNew: Bool, isNewInImage: Bool) {
    let key = key == 0 ? 1 : key
    let slot = place(key)
    let isNew = keys[slot] == 0
    keys[slot] = key
    if counts[slot] < .max { counts[slot] += 1 }
    guard let images else { return (isNew, isNew) }
    let bit: UInt64 = 1 << UInt64(image)
    let isNewInImage = images[slot] & bit == 0
    images[slot] |= bit
    return (isNew, isNewInImage)
  }

  /// Takes over what another table knows of the key in one of its slots.
  func move(_ other: Int, of table: Table) {
    let slot = place(table.keys[other])
    keys[slot] = table.keys[other]
    counts[slot] = table.counts[other]
    if let images, let theirs = table.images { images[slot] = theirs[other] }
  }

  /// The slot of a key, or the free one where it would go; there is always a free one.
  private func place(_ key: UInt64) -> Int {
    var slot = Int(key & UInt64(slots - 1))
    while keys[slot] != key && keys[slot] != 0 { slot = (slot + 1) & (slots - 1) }
    return slot
  }
}
