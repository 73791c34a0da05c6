public import DiskIO
internal import DiskImage

/// Why an image cannot be written.
public enum ImageWriterError: Error, Equatable, Sendable {
  /// A system call failed.
  case io(IOError)
  /// The disk has more bytes than an L1 table of 32 MiB maps with such clusters.
  case diskTooLarge(virtualSize: UInt64, clusterSize: Int, limit: UInt64)
  /// The file needs more clusters than a refcount table of 8 MiB counts.
  case fileTooLarge(clusters: UInt64, clusterSize: Int, refcountBits: Int, limit: UInt64)
  /// The header and its extensions do not fit the first cluster.
  case headerTooLarge(bytes: Int, clusterSize: Int)
}

extension ImageWriterError: CustomStringConvertible {
  /// What is wrong, the limit, and what to do about it.
  public var description: String {
    switch self {
    case .io(let error):
      return error.description
    case .diskTooLarge(let virtualSize, let clusterSize, let limit):
      let advice =
        ImageLimits.smallestClusterSize(forVirtualSize: virtualSize).map {
          "use --cluster-size \($0) (\(UInt64($0).inByteUnits)) or larger"
        } ?? "no cluster size allows it"
      return """
        a disk of \(virtualSize) bytes (\(virtualSize.inByteUnits)) is too large for clusters of \
        \(clusterSize) bytes: QEMU takes at most \(limit) bytes (\(limit.inByteUnits)) then (an L1 \
        table of 32 MiB); \(advice)
        """
    case .fileTooLarge(let clusters, let clusterSize, let bits, let limit):
      return """
        the output needs \(clusters) clusters of \(clusterSize) bytes, and with \(bits)-bit \
        refcounts QEMU takes at most \(limit) (a refcount table of 8 MiB); use a larger \
        --cluster-size
        """
    case .headerTooLarge(let bytes, let clusterSize):
      return """
        the header takes \(bytes) bytes and must fit a cluster of \(clusterSize); use a larger \
        --cluster-size
        """
    }
  }
}
