internal import QCOW2

/// What reading a whole image costs QEMU, relative to a plain one with clusters of 64 KiB.
///
/// QEMU restores a compressed cluster as a whole and asks its host for each one separately, so small
/// compressed clusters are slow to read, whatever is in them. The figures are processor time of
/// `qemu-img convert` into nothing (null-co), QEMU 7.2, of a root file system of Debian;
/// Documentation/Estimate.md says how they were taken. They say what to expect of others, not how
/// long a reading takes.
enum ReadCost {
  /// The cost of a method, or of a plain image, with clusters of 4 KiB · 2^size.
  static func relative(_ method: Compression.Method?, size: Int) -> Double {
    switch method {
    case nil: plain[size]
    case .zlib: zlib[size]
    case .zstd: zstd[size]
    }
  }

  private static let plain = [1.5, 1.3, 1.2, 1.1, 1.0, 1.0]
  private static let zlib = [26.0, 14.0, 9.0, 7.0, 6.0, 5.5]
  private static let zstd = [26.0, 13.0, 6.1, 4.2, 3.1, 2.7]
}
