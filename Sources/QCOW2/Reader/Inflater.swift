internal import DiskIO
internal import DiskImage

/// Restores compressed clusters of one size and method, one after another. One thread at a time uses
/// it.
///
/// It reads more of the file than a cluster needs, because the next one most often stands behind
/// it, and keeps the cluster that it restored last.
final class Inflater: @unchecked Sendable {
  // Unchecked: the pool lends it to one thread at a time.

  private let geometry: ClusterGeometry
  private let decompressor: ClusterDecompressor
  private let window: AlignedBuffer
  private let cluster: AlignedBuffer
  /// The image that it has read last.
  private var image: ImageFile?
  /// What part of that image the window holds.
  private var windowRange: Range<UInt64> = 0..<0
  /// Which cluster was restored last.
  private var restored: ClusterMapping?

  /// An inflater for images.
  ///
  /// - Parameters:
  ///   - geometry: The size of their clusters.
  ///   - method: How they are compressed.
  /// - Throws: `IOError` or `CompressionError` if there is no memory.
  init(_ geometry: ClusterGeometry, _ method: Compression.Method) throws {
    let decompressor = try ClusterDecompressor(method)
    // A descriptor can name nearly two clusters' worth of sectors.
    let window = try AlignedBuffer(
      byteCount: Self.windowBytes(geometry), purpose: "compressed clusters")
    let cluster = try AlignedBuffer(
      byteCount: geometry.clusterSize, purpose: "a restored cluster")
    self.geometry = geometry
    self.decompressor = decompressor
    self.window = window
    self.cluster = cluster
  }

  private static func windowBytes(_ geometry: ClusterGeometry) -> Int {
    max(2 * geometry.clusterSize, 64 << 10)
  }

  /// How much memory an inflater takes.
  static func byteCount(_ geometry: ClusterGeometry) -> Int {
    windowBytes(geometry) + geometry.clusterSize
  }

  /// Whether it has a cluster of an image, or at least its compressed data, in memory.
  func knows(_ mapping: ClusterMapping, of file: ImageFile) -> Bool {
    image === file
      && (mapping == restored || windowRange.contains(mapping.host(geometry).bytes))
  }

  /// Copies a part of a compressed cluster to `part`.
  ///
  /// - Parameters:
  ///   - mapping: The cluster.
  ///   - start: Where in the cluster the part begins; it ends inside the cluster.
  ///   - part: Where the bytes go.
  ///   - file: The image.
  /// - Throws: `ImageError.malformed` if the data does not restore exactly a cluster.
  func read(
    _ mapping: ClusterMapping, from start: Int, into part: UnsafeMutableRawBufferPointer,
    _ file: ImageFile
  ) throws(ImageError) {
    if image !== file { (image, restored, windowRange) = (file, nil, 0..<0) }
    if mapping != restored {
      if part.count == geometry.clusterSize {
        return try restore(mapping, to: part, file)
      }
      restored = nil
      try restore(mapping, to: cluster.bytes, file)
      restored = mapping
    }
    part.copyMemory(
      from: UnsafeRawBufferPointer(rebasing: cluster.bytes[start..<start + part.count]))
  }

  private func restore(
    _ mapping: ClusterMapping, to target: UnsafeMutableRawBufferPointer, _ file: ImageFile
  ) throws(ImageError) {
    let data = try compressed(mapping, file)
    do throws(CompressionError) {
      try decompressor.decompress(data, into: target)
    } catch {
      if error == .outOfMemory { throw .io(IOError(allocating: "a restored cluster")) }
      throw file.malformed("\(error), at byte \(mapping.host(geometry).bytes)")
    }
  }

  /// The bytes that a descriptor names, as far as the file reaches: the last sector of the last
  /// cluster may not be there.
  private func compressed(
    _ mapping: ClusterMapping, _ file: ImageFile
  ) throws(ImageError) -> UnsafeRawBufferPointer {
    let start = mapping.host(geometry).bytes
    try file.check(1, at: start, "a compressed cluster")
    let end = start + min(UInt64(mapping.byteCount(geometry)), file.size - start)
    if start < windowRange.lowerBound || end > windowRange.upperBound {
      windowRange = 0..<0
      let count = try file.readSome(into: window.bytes, at: start)
      windowRange = start..<start + UInt64(count)
    }
    guard end <= windowRange.upperBound else {
      throw .shrank(file.path, offset: windowRange.upperBound)
    }
    let offset = Int(start - windowRange.lowerBound)
    return UnsafeRawBufferPointer(
      rebasing: window.bytes[offset..<offset + Int(end - start)])
  }
}
