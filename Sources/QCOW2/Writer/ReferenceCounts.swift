internal import DiskIO

/// How often each host cluster is referenced: one byte a cluster, and the few counts above 254
/// apart.
///
/// Memory comes in pages of 64 KiB, so growing copies nothing.
package struct ReferenceCounts: ~Copyable {
  private var pages: [UnsafeMutablePointer<UInt8>] = []
  private var overflow: [HostCluster: UInt32] = [:]

  private static let pageBits: UInt64 = 16
  /// The byte of a cluster whose count is in `overflow`.
  private static let escape: UInt8 = 255

  /// All counts are 0.
  package init() {}

  deinit {
    for page in pages { page.deallocate() }
  }

  /// The count of `cluster`; 0 if it was never set. O(1).
  package subscript(cluster: HostCluster) -> UInt32 {
    get {
      let page = Int(cluster.index >> Self.pageBits)
      guard page < pages.count else { return 0 }
      let byte = pages[page][Self.slot(cluster)]
      return byte == Self.escape ? overflow[cluster]! : UInt32(byte)
    }
    set {
      let page = Int(cluster.index >> Self.pageBits)
      let slot = Self.slot(cluster)
      while page >= pages.count { pages.append(Self.emptyPage()) }
      let old = pages[page][slot]
      if newValue < UInt32(Self.escape) {
        pages[page][slot] = UInt8(newValue)
        if old == Self.escape { overflow[cluster] = nil }
      } else {
        pages[page][slot] = Self.escape
        overflow[cluster] = newValue
      }
    }
  }

  /// The highest count of all. O(clusters).
  package var highest: UInt32 {
    if let highest = overflow.values.max() { return highest }
    var highest: UInt8 = 0
    for page in pages {
      for slot in 0..<1 << Int(Self.pageBits) { highest = max(highest, page[slot]) }
    }
    return UInt32(highest)
  }

  /// Fills `bytes` with refcounts as an image stores them.
  ///
  /// - Parameters:
  ///   - bytes: One or more refcount blocks, or a part of one.
  ///   - first: The cluster whose count comes first.
  ///   - width: The width of a refcount, which must be enough for all counts.
  func encode(
    into bytes: UnsafeMutableRawBufferPointer, from first: HostCluster, _ width: RefcountWidth
  ) {
    RefcountBlock.encode(into: bytes, order: width.order) {
      UInt64(self[HostCluster(first.index + UInt64($0))])
    }
  }

  /// Whether counts are apart exactly where a page says so, and all of them are too high for a
  /// byte. For tests; O(clusters).
  package func checkInvariants() -> Bool {
    var escaped = 0
    for page in pages {
      for slot in 0..<1 << Int(Self.pageBits) where page[slot] == Self.escape { escaped += 1 }
    }
    return escaped == overflow.count
      && overflow.allSatisfy { cluster, count in
        let page = Int(cluster.index >> Self.pageBits)
        return count >= UInt32(Self.escape) && page < pages.count
          && pages[page][Self.slot(cluster)] == Self.escape
      }
  }

  private static func slot(_ cluster: HostCluster) -> Int {
    Int(cluster.index & (1 << pageBits - 1))
  }

  private static func emptyPage() -> UnsafeMutablePointer<UInt8> {
    let size = 1 << Int(pageBits)
    let page = UnsafeMutablePointer<UInt8>.allocate(capacity: size)
    page.initialize(repeating: 0, count: size)
    return page
  }
}
