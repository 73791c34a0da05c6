internal import DiskImage

/// A run of guest bytes that stands in one way in one place.
package struct MappedRun: Equatable, Sendable {
  /// Where guest bytes stand.
  package enum Place: Equatable, Sendable {
    /// Nowhere in this image: in its backing file, or zeros.
    case unallocated
    /// Nowhere: they are zeros.
    case zero
    /// As they are, from this byte of the file on.
    case standard(HostOffset)
    /// In a compressed cluster, from this byte of the cluster on.
    case compressed(ClusterMapping, from: Int)
  }

  /// Where the first byte stands.
  package var place: Place
  /// How many bytes the run has.
  package var byteCount: UInt64

  package init(_ place: Place, _ byteCount: UInt64) {
    self.place = place
    self.byteCount = byteCount
  }

  /// Whether the bytes may be other than zeros.
  package var isData: Bool {
    switch place {
    case .unallocated, .zero: false
    case .standard, .compressed: true
    }
  }
}
