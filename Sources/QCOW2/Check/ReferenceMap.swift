/// What uses each host cluster, and how often.
///
/// The checker counts here what the tables refer to, and compares that with the refcounts of the
/// image. A place comes from the image, so it may be any; the map costs what is used, not what is
/// claimed.
///
/// A cluster takes two bytes: the number of references up to 254, and a bit for each kind of use.
/// Higher counts are apart, in pieces for 1024 clusters each. Memory is taken for those parts of
/// the file that are used at all (64 KiB for 32,768 clusters), up to a limit. Once that is reached
/// references get lost, and `isExhausted` says so: the counts then mean nothing.
///
///     pages[n]  → 32,768 words: uses (8 bits) │ count, or 255: see high (8 bits)
///     high[n]   →  1,024 counts of 32 bits
///
/// One thread uses it. Counting costs O(1).
package struct ReferenceMap: ~Copyable {
  /// What a cluster is used for.
  package struct Use: OptionSet, Sendable {
    /// A bit for each use.
    package let rawValue: UInt8

    /// The uses whose bits are set.
    package init(rawValue: UInt8) {
      self.rawValue = rawValue
    }

    /// The header cluster.
    package static let header = Use(rawValue: 1)
    /// An L1 table, of the image or of a snapshot.
    package static let l1Table = Use(rawValue: 2)
    /// An L2 table.
    package static let l2Table = Use(rawValue: 4)
    /// The refcount table or a refcount block.
    package static let refcounts = Use(rawValue: 8)
    /// The table of snapshots.
    package static let snapshotTable = Use(rawValue: 16)
    /// A bitmap, or the header of an encryption.
    package static let other = Use(rawValue: 32)
    /// Data of the guest.
    package static let data = Use(rawValue: 64)
    /// No use, but what the refcount blocks say: that the cluster has one reference.
    package static let countedOnce = Use(rawValue: 128)
  }

  private typealias Page = UnsafeMutablePointer<UInt16>
  private typealias HighCounts = UnsafeMutablePointer<UInt32>

  private static let pageBits: UInt64 = 15
  private static let highBits: UInt64 = 10
  /// The low byte of a cluster whose count is in `high`.
  private static let escape: UInt16 = 255

  private var pages: [Page?]
  private var high: [UInt64: HighCounts] = [:]

  private var bytesLeft: UInt64
  /// Whether the limit is reached: from then on references get lost.
  package private(set) var isExhausted = false

  /// No references to any cluster of a file.
  ///
  /// - Parameters:
  ///   - clusterCount: The number of its clusters.
  ///   - mostBytes: How much memory may be taken.
  package init(clusterCount: UInt64, mostBytes: UInt64 = .max) {
    bytesLeft = mostBytes
    pages = Array(repeating: nil, count: Int(clusterCount >> Self.pageBits) + 1)
  }

  deinit {
    for page in pages { page?.deallocate() }
    for counts in high.values { counts.deallocate() }
  }

  /// How often a cluster is used. O(1).
  package func count(_ cluster: HostCluster) -> UInt32 {
    let word = word(cluster)
    let low = word & 0xFF
    guard low == Self.escape else { return UInt32(low) }
    return high[Self.piece(cluster)]![Self.slotInPiece(cluster)]
  }

  /// What a cluster is used for. O(1).
  package func uses(_ cluster: HostCluster) -> Use {
    Use(rawValue: UInt8(word(cluster) >> 8))
  }

  /// Notes what a cluster is used for, without counting.
  package mutating func note(_ use: Use, of cluster: HostCluster) {
    page(of: cluster)?[Self.slot(cluster)] |= UInt16(use.rawValue) << 8
  }

  /// Counts references to a cluster.
  ///
  /// - Parameters:
  ///   - cluster: The cluster, one of the file's or the one after its end.
  ///   - times: How many.
  ///   - use: What for.
  ///   - limit: The highest count that is kept.
  /// - Returns: How many of them are beyond the limit.
  package mutating func add(
    _ cluster: HostCluster, times: UInt64, _ use: Use, limit: UInt32
  ) -> UInt64 {
    note(use, of: cluster)
    let old = count(cluster)
    let room = UInt64(limit - min(old, limit))
    let new = old + UInt32(min(times, room))
    setCount(new, of: cluster)
    return times - min(times, room)
  }

  private mutating func setCount(_ count: UInt32, of cluster: HostCluster) {
    let slot = Self.slot(cluster)
    guard let page = page(of: cluster) else { return }
    let flags = page[slot] & 0xFF00
    if count < UInt32(Self.escape), page[slot] & 0xFF != Self.escape {
      page[slot] = flags | UInt16(count)
      return
    }
    let piece = Self.piece(cluster)
    guard let counts = high[piece] ?? zeros(1 << Int(Self.highBits)) else { return }
    high[piece] = counts
    counts[Self.slotInPiece(cluster)] = count
    page[slot] = flags | Self.escape
  }

  /// Visits the clusters of a range that are used, or noted for anything, from front to back.
  package func forEachUsed(in range: Range<HostCluster>, _ body: (HostCluster) -> Void) {
    var cluster = range.lowerBound
    while cluster < range.upperBound {
      let index = Self.pageIndex(cluster)
      let end = min(range.upperBound, HostCluster(UInt64(index + 1) << Self.pageBits))
      if index < pages.count, let page = pages[index] {
        while cluster < end {
          if page[Self.slot(cluster)] != 0 { body(cluster) }
          cluster = cluster.advanced(by: 1)
        }
      }
      cluster = end
    }
  }

  private func word(_ cluster: HostCluster) -> UInt16 {
    let index = Self.pageIndex(cluster)
    guard index < pages.count, let page = pages[index] else { return 0 }
    return page[Self.slot(cluster)]
  }

  /// The page that a cluster is in; nil if the limit is reached.
  private mutating func page(of cluster: HostCluster) -> Page? {
    let index = Self.pageIndex(cluster)
    while index >= pages.count { pages.append(nil) }
    if let page = pages[index] { return page }
    pages[index] = zeros(1 << Int(Self.pageBits))
    return pages[index]
  }

  private static func pageIndex(_ cluster: HostCluster) -> Int {
    Int(cluster.index >> pageBits)
  }
  private static func slot(_ cluster: HostCluster) -> Int {
    Int(cluster.index & (1 << pageBits - 1))
  }
  private static func piece(_ cluster: HostCluster) -> UInt64 { cluster.index >> highBits }
  private static func slotInPiece(_ cluster: HostCluster) -> Int {
    Int(cluster.index & (1 << highBits - 1))
  }

  private mutating func zeros<Value: FixedWidthInteger>(
    _ count: Int
  ) -> UnsafeMutablePointer<Value>? {
    let byteCount = UInt64(count * MemoryLayout<Value>.size)
    guard byteCount <= bytesLeft else {
      isExhausted = true
      return nil
    }
    bytesLeft -= byteCount
    let memory = UnsafeMutablePointer<Value>.allocate(capacity: count)
    memory.initialize(repeating: 0, count: count)
    return memory
  }
}
