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
