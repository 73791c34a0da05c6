/// The sizes of a store, all of which follow from its order (S1–S5).
///
/// ```
/// incarnation: | filter area                          | table area                          |
///              | tags of all slots · zeros · trailer  | slots of 32 bytes, then zeros        |
///              | a multiple of 4096                   | a multiple of 4096                   |
/// ```
public struct StoreGeometry: Hashable, Sendable {
  /// The bytes of a store cluster, whatever the image's cluster size is.
  public static let storeClusterBytes = 4096
  /// The bytes of an entry on disk and in memory.
  public static let entryBytes = 32
  /// The slots of a bucket.
  public static let slotsPerBucket = 4
  /// The bytes of a bucket on disk and in memory.
  static let bucketBytes = slotsPerBucket * entryBytes
  /// The entries in a store cluster; a bucket never spans two (S3).
  public static let entriesPerStoreCluster = 128
  /// The orders that a store may have.
  public static let validOrders = 1...31

  /// The bits of a bucket index.
  public let order: Int

  /// The geometry of the given order.
  ///
  /// - Parameter order: 1…31.
  /// - Throws: `StoreError.invalidOrder` outside that range.
  public init(order: Int) throws(StoreError) {
    guard Self.validOrders.contains(order) else { throw .invalidOrder(order) }
    self.order = order
  }

  /// The number of buckets, 2^order.
  public var bucketCount: Int { 1 << order }
  /// The number of slots of an incarnation, 4 · 2^order.
  public var entryCount: Int { Self.slotsPerBucket << order }
  /// The bytes of a tag on disk: 2 below order 16, else 4 (S1).
  public var tagBytes: Int { order < 16 ? 2 : 4 }
  /// The bytes of the tags of all slots, without what follows them in the filter area.
  public var allTagsBytes: Int { entryCount * tagBytes }
  /// The bytes of the filter area: always a store cluster more than a plain quotient (S2).
  public var filterBytes: Int {
    (allTagsBytes / Self.storeClusterBytes + 1) * Self.storeClusterBytes
  }
  /// The bytes of the table area: always a store cluster more than a plain quotient (S4).
  public var tableBytes: Int {
    (entryCount / Self.entriesPerStoreCluster + 1) * Self.storeClusterBytes
  }
  /// The bytes of an incarnation, filter area and table area (S5).
  public var incarnationBytes: Int { filterBytes + tableBytes }

  /// Where the trailer begins, in bytes from the start of the filter area, whose end it is.
  package var trailerOffset: Int { filterBytes - IncarnationTrailer.byteCount }

  /// The bytes of an incarnation in a file that hands out whole clusters of this size.
  public func bytes(inClustersOf clusterSize: Int) -> Int {
    (incarnationBytes + clusterSize - 1) / clusterSize * clusterSize
  }

  /// The bits of a digest half that make a bucket index, and a tag.
  @inline(__always)
  package var mask: UInt64 { (1 << UInt64(order)) - 1 }

  /// The two buckets in which an entry with this digest may be: h1 and h2.
  @inline(__always)
  package func buckets(of digest: Digest) -> (h1: Int, h2: Int) {
    (Int(digest.high & mask), Int(digest.low & mask))
  }

  /// The tag of an entry that is in `bucket`: the other one of its two buckets, or nil if it
  /// belongs in neither (S14).
  @inline(__always)
  package func tag(of digest: Digest, in bucket: Int) -> Int? {
    let (h1, h2) = buckets(of: digest)
    if bucket == h1 { return h2 }
    return bucket == h2 ? h1 : nil
  }

  /// Where the entry of a slot begins, in bytes from the start of the table area (S26).
  @inline(__always)
  package func tableOffset(ofSlot slot: Int) -> Int {
    let cluster = slot / Self.entriesPerStoreCluster
    let entry = slot % Self.entriesPerStoreCluster
    return cluster * Self.storeClusterBytes + entry * Self.entryBytes
  }
}

extension StoreGeometry {
  /// The order for an input with so many data clusters (S9).
  ///
  /// Below order 14 it is the smallest with which one incarnation takes them all; else the smallest
  /// from 14 on with which 128 incarnations do. Both count with `reliableEntries`.
  ///
  /// - Parameter clusters: How many entries may come: one for each cluster with data; nil if that is
  ///   unknown, as for a pipe.
  /// - Returns: 16 if unknown, else 1…31.
  public static func order(forDataClusters clusters: UInt64?) -> Int {
    guard let clusters else { return 16 }
    let single = (1...13).first { clusters <= reliableEntries(order: $0) }
    if let single { return single }
    let several = (14...30).first { clusters <= 128 * reliableEntries(order: $0) }
    return several ?? validOrders.upperBound
  }

  /// How many entries the log store of an order takes before it is frozen, but for rare bad luck.
  ///
  /// It is 15/16 of the slots, a load that the log store reaches reliably from order 7 on, and half
  /// of them in a smaller table, in which chance has more weight.
  package static func reliableEntries(order: Int) -> UInt64 {
    let slots = UInt64(slotsPerBucket) << UInt64(order)
    return order < 7 ? slots / 2 : slots / 16 * 15
  }
}
