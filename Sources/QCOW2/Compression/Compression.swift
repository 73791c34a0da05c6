internal import CZstd

/// How the clusters of an image are compressed: method and level.
public struct Compression: Equatable, Sendable {
  /// A method that qcow2 knows (qcow2 specification, `compression_type`).
  public enum Method: String, CaseIterable, Sendable {
    /// Raw deflate with a window of 4 KiB: what every reader of qcow2 takes.
    case zlib
    /// Zstandard frames: much faster, and smaller for large clusters; QEMU 5.1 and later.
    case zstd

    /// The levels that the method has.
    public var levels: ClosedRange<Int> {
      switch self {
      case .zlib: 1...9
      case .zstd: 1...Int(ZSTD_maxCLevel())
      }
    }

    /// The method as the header's byte 104 names it.
    var headerValue: UInt8 { self == .zlib ? 0 : 1 }

    /// The method that the header's byte 104 names; nil if it names none.
    init?(headerValue: UInt8) {
      guard let method = Self.allCases.first(where: { $0.headerValue == headerValue }) else {
        return nil
      }
      self = method
    }

    /// The features that an image with such clusters has.
    public var features: [ImageFeature] { self == .zlib ? [] : [.compressionType] }

    /// The level that QEMU uses.
    public var defaultLevel: Int {
      switch self {
      case .zlib: 6
      case .zstd: 3
      }
    }
  }

  /// How far back in a cluster a match of deflate may reach.
  ///
  /// A reader that takes a cluster's bytes in one call sees all of them, and so takes any window;
  /// QEMU, 7-Zip and libqcow do. A reader that takes them in pieces keeps 4 KiB of what it has
  /// handed out, as the format asks for, and fails on a match that reaches back farther.
  public enum DeflateWindow: Sendable {
    /// What every reader takes: 4 KiB, but in clusters that readers take in one piece the whole
    /// cluster.
    case standard
    /// 32 KiB, the most that deflate has: smaller and much faster, but not for every reader.
    case largest
  }

  /// The method.
  public let method: Method
  /// The level, one of the method's.
  public let level: Int
  /// How far back matches may reach; of zlib only.
  public let deflateWindow: DeflateWindow

  /// A method at a level; nil if the method has no such level.
  ///
  /// - Parameters:
  ///   - method: The method.
  ///   - level: The level; nil for the one that QEMU uses.
  ///   - deflateWindow: How far back matches of zlib may reach.
  public init?(_ method: Method, level: Int? = nil, deflateWindow: DeflateWindow = .standard) {
    let level = level ?? method.defaultLevel
    guard method.levels.contains(level) else { return nil }
    self.method = method
    self.level = level
    self.deflateWindow = deflateWindow
  }

  /// The most bytes that a cluster of `clusterSize` bytes takes, however incompressible it is: the
  /// data itself in stored deflate or raw zstd blocks, with their headers.
  public static func bound(clusterSize: Int) -> Int { clusterSize + clusterSize >> 8 + 64 }
}
