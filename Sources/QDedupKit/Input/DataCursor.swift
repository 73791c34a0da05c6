package import DiskImage

/// Walks forwards over the ranges of an image that may hold data.
///
/// It remembers the range that the image named last and asks again only after its end: asking costs
/// a system call for a raw file, and table lookups for qcow2. It is a value without a lock; threads
/// that share one put it under a mutex of their own.
package struct DataCursor: Sendable {
  private let image: any ImageSource
  /// The range that was named last; nil once only zeros follow.
  private var named: GuestRange? = GuestRange(GuestOffset(0), upTo: GuestOffset(0))

  /// A cursor at the beginning of an image.
  package init(_ image: any ImageSource) {
    self.image = image
  }

  /// The next data at or after `offset`.
  ///
  /// - Parameter offset: Where to look, at most the image's virtual size. It never goes back.
  /// - Returns: A range that begins at or after `offset` and may hold data up to its end, or nil if
  ///   only zeros follow.
  /// - Throws: `ImageError` if the file cannot say.
  package mutating func next(from offset: GuestOffset) throws(ImageError) -> GuestRange? {
    guard let last = named else { return nil }
    if last.end <= offset { named = try image.nextData(from: offset) }
    return named.map { GuestRange(max(offset, $0.start), upTo: $0.end) }
  }
}
