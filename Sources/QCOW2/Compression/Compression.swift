internal import CZstd

/// How the clusters of an image are compressed: method and level.
public struct Compression: Equatable, Sendable {
  /// The methods that qcow2 has.
  public typealias Method = CompressionMethod

  /// The method.
  public let method: Method
  /// The level, one of the method's.
  public let level: Int

  /// A method at a level; nil if the method has no such level.
  ///
  /// - Parameters:
  ///   - method: The method.
  ///   - level: The level; nil for the one that QEMU uses.
  public init?(_ method: Method, level: Int? = nil) {
    let level = level ?? method.defaultLevel
    guard method.levels.contains(level) else { return nil }
    self.method = method
    self.level = level
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

  /// The level that QEMU uses.
  public var defaultLevel: Int {
    switch self {
    case .zlib: 6
    case .zstd: 3
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
