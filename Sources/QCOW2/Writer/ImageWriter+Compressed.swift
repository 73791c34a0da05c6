internal import DiskImage

extension ImageWriter {
  /// Hands out room for the compressed data of a cluster, directly behind the data before it: in
  /// what is left of its cluster, and on into the next one if that is the file's end.
  ///
  /// - Parameters:
  ///   - byteCount: The compressed size in bytes, at least 1.
  ///   - references: How many references to it will be added.
  ///   - limit: The highest refcount that a host cluster may have; at least `references`.
  /// - Returns: The place. Its references are not counted yet.
  /// - Throws: `ImageWriterError.fileTooLarge`.
  public func allocate(
    compressedBytes byteCount: Int, references: UInt32, limit: UInt32
  ) throws(ImageWriterError) -> ClusterMapping {
    var start = compressedTail
    if !ClusterMapping.canDescribe(start, byteCount: byteCount, geometry) {
      start = HostOffset((start.bytes + 511) & ~511)
    }
    let room = roomBehind(start, references: references, limit: limit)
    if room < byteCount {
      let missing = geometry.clusterCount(forBytes: UInt64(byteCount - room))
      if room > 0, start.bytes + UInt64(room) == end.bytes {
        _ = try allocate(clusters: missing)
      } else {
        start = try allocate(clusters: geometry.clusterCount(forBytes: UInt64(byteCount)))
      }
    }
    guard start < ClusterMapping.compressedEnd(geometry) else {
      throw fileTooLarge(end.bytes >> geometry.clusterBits, .bits16)
    }
    compressedTail = HostOffset(start.bytes + UInt64(byteCount))
    return ClusterMapping(compressedAt: start, byteCount: byteCount, geometry)
  }

  /// How many bytes are free from `start` to the end of its cluster; 0 if that cluster has not
  /// been begun, or cannot take so many more references.
  private func roomBehind(_ start: HostOffset, references: UInt32, limit: UInt32) -> Int {
    let used = start.bytes & UInt64(geometry.clusterSize - 1)
    guard used > 0 else { return 0 }
    let count = counts[start.bytes >> geometry.clusterBits]
    guard count <= limit, references <= limit - count else { return 0 }
    return geometry.clusterSize - Int(used)
  }
}
