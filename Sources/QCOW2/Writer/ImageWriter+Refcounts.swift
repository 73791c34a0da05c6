internal import DiskIO
internal import DiskImage

extension ImageWriter {
  /// Writes all refcounts behind what the file holds so far.
  ///
  /// - Parameter width: The width of a refcount.
  /// - Returns: Where everything stands.
  /// - Throws: `ImageWriterError.fileTooLarge`, or `.io`.
  func writeRefcounts(_ width: RefcountWidth) throws(ImageWriterError) -> RefcountLayout {
    let layout = RefcountLayout(
      behind: clusterCount, clusterSize: geometry.clusterSize, width: width)
    guard layout.clusterCount <= limits.hostClusters(width) else {
      throw fileTooLarge(layout.clusterCount, width)
    }
    for cluster in layout.firstBlock..<layout.clusterCount { counts[cluster] = 1 }
    clusterCount = layout.clusterCount
    do {
      try writeBlocks(layout, width)
      try writeRefcountTable(layout)
    } catch {
      throw .io(error)
    }
    return layout
  }

  private func writeBlocks(
    _ layout: RefcountLayout, _ width: RefcountWidth
  ) throws(IOError) {
    // Many small blocks go out in one write; `layout.blockCount` blocks stand side by side.
    let chunkSize = max(geometry.clusterSize, 256 << 10)
    let chunk = try AlignedBuffer(byteCount: chunkSize, purpose: "refcount blocks")
    let perChunk = UInt64(chunkSize / width.byteCount)
    let end = layout.blockCount << geometry.clusterBits
    for (round, start) in stride(from: 0, to: end, by: chunkSize).enumerated() {
      let part = UnsafeMutableRawBufferPointer(
        rebasing: chunk.bytes[..<Int(min(UInt64(chunkSize), end - start))])
      encodeCounts(from: UInt64(round) * perChunk, width, into: part)
      let place = layout.firstBlock << geometry.clusterBits + start
      try file.file.write(UnsafeRawBufferPointer(part), at: place)
    }
  }

  private func encodeCounts(
    from first: UInt64, _ width: RefcountWidth, into bytes: UnsafeMutableRawBufferPointer
  ) {
    for index in 0..<bytes.count / width.byteCount {
      let count = counts[first + UInt64(index)]
      switch width {
      case .bits16: bytes.storeBigEndian(UInt16(count), at: index * 2)
      case .bits32: bytes.storeBigEndian(count, at: index * 4)
      }
    }
  }

  private func writeRefcountTable(_ layout: RefcountLayout) throws(IOError) {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Int(layout.blockCount) * 8)
    for block in 0..<layout.blockCount {
      bytes.append(bigEndian: (layout.firstBlock + block) << geometry.clusterBits)
    }
    try file.file.write(bytes, at: layout.firstTableCluster << geometry.clusterBits)
  }
}
