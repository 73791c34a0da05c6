internal import CZstd

/// How the clusters of an image are compressed: method and level.
public struct Compression: Equatable, Sendable {
  /// The methods that qcow2 has.
  public typealias Method = CompressionMethod

  /// How far back in a cluster a match of deflate may reach.
  ///
  /// A reader that restores a cluster in one call has all of it to copy from, and so takes any
  /// window; QEMU, 7-Zip and libqcow do. A reader that takes it in pieces keeps 4 KiB of what it has
  /// handed out, as the format says, and fails on a match that reaches back farther.
  public enum DeflateWindow: Sendable {
    /// What every reader takes: 4 KiB, and in clusters of up to 16 KiB, which readers take in one
    /// piece, the whole cluster.
    case standard
    /// 32 KiB, the most that deflate has: smaller and much faster, but not for every reader.
    case largest
  }

  /// The method.
  public let method: Method
  /// The level, one of the method's; nil for the one that suits the cluster size.
  public let level: Int?
  /// How far back matches may reach; of zlib only.
  public let deflateWindow: DeflateWindow

  /// A method at a level; nil if the method has no such level.
  ///
  /// - Parameters:
  ///   - method: The method.
  ///   - level: The level; nil for the one that suits the cluster size.
  ///   - deflateWindow: How far back matches of zlib may reach.
  public init?(_ method: Method, level: Int? = nil, deflateWindow: DeflateWindow = .standard) {
    if let level, !method.levels.contains(level) { return nil }
    self.method = method
    self.level = level
    self.deflateWindow = deflateWindow
  }

  /// Whether clusters of a size are compressed by libdeflate (`ClusterCompressor`).
  func usesLibdeflate(clusterSize: Int) -> Bool {
    method == .zlib
      && (clusterSize <= ClusterCompressor.largestSinglePiece || deflateWindow == .largest)
  }

  /// The level for clusters of a size: the one that was given, or else QEMU's (zlib 6, zstd 3), but 2
  /// for libdeflate in clusters of 16 KiB and more, where that takes no more room than zlib at 6.
  ///
  /// Of a root file system, zlib at 6 and libdeflate at 2 and 6, in µs a cluster and of its size:
  /// 4 KiB 98 (0.377), 49 (0.383), 63 (0.376); 8 KiB 223 (0.363), 73 (0.367), 124 (0.358);
  /// 16 KiB 492 (0.355), 136 (0.354), 215 (0.344); 64 KiB 1760 (0.338), 549 (0.326), 804 (0.313).
  func level(clusterSize: Int) -> Int {
    if let level { return level }
    if method == .zstd { return 3 }
    return usesLibdeflate(clusterSize: clusterSize) && clusterSize >= 16 << 10 ? 2 : 6
  }

  /// The most bytes that a cluster of `clusterSize` bytes takes, however incompressible it is: the
  /// data itself in stored deflate or raw zstd blocks, with their headers.
  public static func bound(clusterSize: Int) -> Int { clusterSize + clusterSize >> 8 + 64 }
}

extension CompressionMethod {
  /// The levels that the method has.
  public var levels: ClosedRange<Int> {
    switch self {
    case .zlib: 1...9
    case .zstd: 1...Int(ZSTD_maxCLevel())
    }
  }
}

/// Why a cluster cannot be compressed or restored.
public enum CompressionError: Error, Equatable, Sendable {
  /// There is no memory for a context.
  case outOfMemory
  /// The library refused, for this reason.
  case failed(String)
  /// Compressed data is damaged, or does not hold exactly one cluster.
  case damaged
}

extension CompressionError: CustomStringConvertible {
  /// What is wrong.
  public var description: String {
    switch self {
    case .outOfMemory: "not enough memory to compress or restore clusters"
    case .failed(let reason): "compressing a cluster failed: \(reason)"
    case .damaged: "a compressed cluster is damaged"
    }
  }
}
