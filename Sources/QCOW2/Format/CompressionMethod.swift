/// A method by which the clusters of an image are compressed (qcow2 specification,
/// `compression_type`).
public enum CompressionMethod: String, CaseIterable, Sendable {
  /// Raw deflate with a window of 4 KiB: what every reader of qcow2 takes.
  case zlib
  /// Zstandard frames: much faster, and smaller for large clusters; QEMU 5.1 and later.
  case zstd

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
}
