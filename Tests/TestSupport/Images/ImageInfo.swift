/// What `qemu-img info` says about an image.
public struct ImageInfo: Decodable, Sendable {
  /// The size of the disk that a guest sees.
  public let virtualSize: UInt64
  /// The size of a cluster; raw images have none.
  public let clusterSize: UInt64?
  /// QEMU's name of the format.
  public let format: String
  /// What only qcow2 has.
  public let formatSpecific: FormatSpecific?

  /// The wrapper that QEMU puts around details of a format.
  public struct FormatSpecific: Decodable, Sendable {
    /// The details.
    public let data: Details
  }

  /// Details of a qcow2 image.
  public struct Details: Decodable, Sendable {
    /// `1.1` for version 3.
    public let compat: String?
    /// The width of a reference count.
    public let refcountBits: Int?
    /// Whether the image is marked as corrupt.
    public let corrupt: Bool?
    /// How clusters are compressed, if any is: `zlib` or `zstd`.
    public let compressionType: String?

    private enum CodingKeys: String, CodingKey {
      case compat, corrupt
      case refcountBits = "refcount-bits"
      case compressionType = "compression-type"
    }
  }

  private enum CodingKeys: String, CodingKey {
    case format
    case virtualSize = "virtual-size"
    case clusterSize = "cluster-size"
    case formatSpecific = "format-specific"
  }
}
