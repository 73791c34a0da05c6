/// How often each host cluster is referenced: one byte a cluster, and the few counts above 254
/// aside.
///
/// Memory comes in pages of 64 KiB, so growing copies nothing.
package struct ReferenceCounts: ~Copyable {
  private var pages: [UnsafeMutablePointer<UInt8>] = []
  private var overflow: [UInt64: UInt32] = [:]

  private static let pageBits: UInt64 = 16
  /// The byte of a cluster whose count stands in `overflow`.
  private static let escape: UInt8 = 255

  /// All counts are 0.
  package init() {}

  deinit {
    for page in pages { page.deallocate() }
  }

  /// The count of `cluster`; 0 if it was never set. O(1).
  package subscript(cluster: UInt64) -> UInt32 {
    get {
      let page = Int(cluster >> Self.pageBits)
      guard page < pages.count else { return 0 }
      let byte = pages[page][Int(cluster & (1 << Self.pageBits - 1))]
      return byte == Self.escape ? overflow[cluster]! : UInt32(byte)
    }
    set {
      let page = Int(cluster >> Self.pageBits)
      let slot = Int(cluster & (1 << Self.pageBits - 1))
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

  private static func emptyPage() -> UnsafeMutablePointer<UInt8> {
    let size = 1 << Int(pageBits)
    let page = UnsafeMutablePointer<UInt8>.allocate(capacity: size)
    page.initialize(repeating: 0, count: size)
    return page
  }
}
