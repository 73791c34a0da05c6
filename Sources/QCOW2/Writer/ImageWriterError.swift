public import DiskIO
public import DiskImage

/// Why an image cannot be written.
public enum ImageWriterError: Error, Equatable, Sendable, IOErrorWrapping {
  /// A system call failed.
  case io(IOError)
  /// A system call failed while the header of a changed image was written: the image may be the old
  /// one or the new one.
  case commitUncertain(IOError)
  /// The disk has more bytes than an L1 table of 32 MiB maps with such clusters.
  case diskTooLarge(virtualSize: UInt64, clusterSize: Int, limit: UInt64)
  /// The file needs more clusters than a refcount table of 8 MiB counts.
  case fileTooLarge(clusters: UInt64, clusterSize: Int, refcountBits: Int, limit: UInt64)
  /// The header and its extensions have more bytes than the first cluster, or than readers take.
  case headerTooLarge(bytes: Int, limit: Int)
}

extension ImageWriterError: RemediableError {
  /// What is wrong, and the limit.
  public var description: String {
    switch self {
    case .io(let error):
      return error.description
    case .commitUncertain(let error):
      return """
        \(error); that was the last step, so the file holds either what it held before or all of the \
        change, and is sound: look which, and repeat the command if need be
        """
    case .diskTooLarge(let virtualSize, let clusterSize, let limit):
      return """
        a disk of \(virtualSize) bytes (\(virtualSize.inByteUnits)) is too large for clusters of \
        \(clusterSize) bytes: QEMU takes at most \(limit) bytes (\(limit.inByteUnits)) then (an L1 \
        table of 32 MiB)\(remedies.isEmpty ? "; no cluster size allows it" : "")
        """
    case .fileTooLarge(let clusters, let clusterSize, let bits, let limit):
      return """
        the output needs \(clusters) clusters of \(clusterSize) bytes, and with \(bits)-bit \
        refcounts QEMU takes at most \(limit) (a refcount table of 8 MiB)
        """
    case .headerTooLarge(let bytes, let limit):
      return "the header takes \(bytes) bytes and may take at most \(limit)"
    }
  }

  /// What can be done about it.
  public var remedies: [Remedy] {
    switch self {
    case .io, .commitUncertain:
      return []
    case .diskTooLarge(let virtualSize, _, _):
      let smallest = ImageLimits.smallestClusterSize(forVirtualSize: virtualSize)
      return smallest.map { [.useLargerClusters(atLeast: $0)] } ?? []
    case .fileTooLarge, .headerTooLarge:
      return [.useLargerClusters(atLeast: nil)]
    }
  }
}
