internal import QCOW2

/// What reading a whole image costs QEMU, relative to a plain one with clusters of 64 KiB.
///
/// QEMU restores a compressed cluster as a whole and asks its host for each one separately, so small
/// compressed clusters are slow to read, whatever is in them. The figures were measured once, on a
/// busy machine, and hold to about a fifth (Documentation/Estimate.md). They say what to expect of
/// one kind of file beside another, not how long a reading takes.
enum ReadCost {
  /// The cost of a method, or of a plain image, with clusters of 4 KiB · 2^size.
  static func relative(_ method: Compression.Method?, size: Int) -> Double {
    switch method {
    case nil: plain[size]
    case .zlib: zlib[size]
    case .zstd: zstd[size]
    }
  }

  private static let plain = [1.9, 1.6, 1.4, 1.1, 1.0, 0.9]
  private static let zlib = [33.0, 20.0, 15.0, 10.0, 9.0, 9.0]
  private static let zstd = [27.0, 13.0, 9.0, 6.0, 4.5, 4.0]
}
