public import SystemPackage

extension QCOW2Walker {
  /// One guest cluster that has a place in the file.
  public struct Mapping: Equatable, Sendable {
    /// The number of the guest cluster.
    public let guest: UInt64
    /// Where its data stand in the file, in bytes.
    public let host: UInt64
    /// How many bytes from there on may belong to its compressed data; 0 if it is not compressed.
    public let compressedBytes: UInt64
    /// The L2 entry without its COPIED flag.
    public let entry: UInt64

    /// Whether it is compressed.
    public var isCompressed: Bool { compressedBytes > 0 }
  }

  /// An image, walked.
  ///
  /// - Parameter path: The image.
  /// - Returns: The image after `walk`.
  /// - Throws: `TestSupportError` if it is no qcow2 image that can be walked.
  public static func walked(_ path: FilePath) throws -> QCOW2Walker {
    var walker = try QCOW2Walker(path)
    try walker.walk()
    return walker
  }

  /// The bytes of one cluster of the file.
  public func cluster(at host: UInt64) throws -> [UInt8] {
    try file.read(Int(header.clusterSize), at: host)
  }

  /// The content of a guest cluster as the image has it, restored if it is compressed.
  ///
  /// - Parameter mapping: The guest cluster.
  /// - Returns: Its bytes.
  /// - Throws: `TestSupportError` if it cannot be restored to exactly one cluster.
  public func content(of mapping: Mapping) throws -> [UInt8] {
    guard mapping.isCompressed else { return try cluster(at: mapping.host) }
    let data = try file.read(Int(mapping.compressedBytes), at: mapping.host)
    let size = Int(header.clusterSize)
    let cluster =
      header.compressionType == 0
      ? Decompression.deflate(data, count: size, piece: Decompression.piece(ofClusterBytes: size))
      : Decompression.zstandard(data, count: size)
    guard let cluster else {
      throw TestSupportError("guest cluster \(mapping.guest) at byte \(mapping.host) is damaged")
    }
    return cluster
  }
}
