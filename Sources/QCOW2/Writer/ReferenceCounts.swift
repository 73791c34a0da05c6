/// How often each host cluster is referenced: one byte a cluster, and two or four where counts are
/// higher, as in files with many versions.
///
/// Memory comes in pages for 65,536 clusters, so growing copies nothing. A page takes none until it
/// has a count, so that a file with terabytes of holes takes as much as one without. A page whose
/// counts do not fit any more is copied into a wider one, twice in its life at most: however high the
/// counts are, a cluster takes four bytes at most.
package struct ReferenceCounts: ~Copyable {
  /// Counts of one width.
  private enum Page {
    case zeros
    case bytes(UnsafeMutablePointer<UInt8>)
    case words(UnsafeMutablePointer<UInt16>)
    case longWords(UnsafeMutablePointer<UInt32>)
  }

  private var pages: [Page] = []

  private static let pageBits: UInt64 = 16
  private static let pageCount = 1 << Int(pageBits)

  /// All counts are 0.
  package init() {}

  deinit {
    for page in pages { Self.deallocate(page) }
  }

  /// The count of `cluster`; 0 if it was never set. O(1).
  package subscript(cluster: HostCluster) -> UInt32 {
    get {
      let page = Int(cluster.index >> Self.pageBits)
      guard page < pages.count else { return 0 }
      return Self.count(in: pages[page], Self.slot(cluster))
    }
    set {
      let (page, slot) = (Int(cluster.index >> Self.pageBits), Self.slot(cluster))
      while page >= pages.count { pages.append(.zeros) }
      if Self.set(newValue, in: pages[page], slot) { return }
      widen(page, for: newValue)
      _ = Self.set(newValue, in: pages[page], slot)
    }
  }

  /// The highest count of all. O(clusters).
  package var highest: UInt32 {
    pages.reduce(0) { highest, page in
      if case .zeros = page { return highest }
      return (0..<Self.pageCount).reduce(highest) { max($0, Self.count(in: page, $1)) }
    }
  }

  /// How much memory the counts take.
  package var byteCount: Int {
    pages.reduce(0) { $0 + Self.bytesPerCount($1) * Self.pageCount }
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

  @inline(__always)
  private static func count(in page: Page, _ slot: Int) -> UInt32 {
    switch page {
    case .zeros: 0
    case .bytes(let counts): UInt32(counts[slot])
    case .words(let counts): UInt32(counts[slot])
    case .longWords(let counts): counts[slot]
    }
  }

  /// Sets a count, if the page is wide enough for it.
  ///
  /// - Returns: Whether it is.
  @inline(__always)
  private static func set(_ count: UInt32, in page: Page, _ slot: Int) -> Bool {
    switch page {
    case .zeros:
      return count == 0
    case .bytes(let counts):
      guard count <= UInt32(UInt8.max) else { return false }
      counts[slot] = UInt8(count)
    case .words(let counts):
      guard count <= UInt32(UInt16.max) else { return false }
      counts[slot] = UInt16(count)
    case .longWords(let counts):
      counts[slot] = count
    }
    return true
  }

  /// Copies a page into one that is wide enough for a count.
  private mutating func widen(_ page: Int, for count: UInt32) {
    let old = pages[page]
    let new: Page
    switch count {
    case ...UInt32(UInt8.max): new = .bytes(Self.empty())
    case ...UInt32(UInt16.max): new = .words(Self.empty())
    default: new = .longWords(Self.empty())
    }
    for slot in 0..<Self.pageCount { _ = Self.set(Self.count(in: old, slot), in: new, slot) }
    pages[page] = new
    Self.deallocate(old)
  }

  private static func bytesPerCount(_ page: Page) -> Int {
    switch page {
    case .zeros: 0
    case .bytes: 1
    case .words: 2
    case .longWords: 4
    }
  }

  private static func slot(_ cluster: HostCluster) -> Int {
    Int(cluster.index & (1 << pageBits - 1))
  }

  private static func empty<Count: FixedWidthInteger>() -> UnsafeMutablePointer<Count> {
    let page = UnsafeMutablePointer<Count>.allocate(capacity: pageCount)
    page.initialize(repeating: 0, count: pageCount)
    return page
  }

  private static func deallocate(_ page: Page) {
    switch page {
    case .zeros: break
    case .bytes(let counts): counts.deallocate()
    case .words(let counts): counts.deallocate()
    case .longWords(let counts): counts.deallocate()
    }
  }
}
