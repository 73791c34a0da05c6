internal import DiskIO
package import DiskImage
internal import Synchronization

/// Restores compressed clusters of one size and method, one after another.
///
/// It keeps two things, both of the image that it read last: a window, the part of the file around
/// the last cluster's data, and the last cluster itself, if only a part of it was wanted. Into the
/// window goes what the caller will want next too, whose data most often follows; so neighbours cost
/// one read, and a cluster that is read in parts is restored once.
///
/// Both may be stale only if the file changes while it is read, which is the caller's to prevent. A
/// read that fails leaves no half-restored cluster behind: `restored` is cleared before.
///
/// One thread at a time uses it. Memory: two clusters, at least 128 KiB, for the window, and one
/// cluster. A read costs O(cluster).
package final class Inflater: @unchecked Sendable {
  // Unchecked: the pool lends it to one thread at a time.

  private let geometry: ClusterGeometry
  private let decompressor: ClusterDecompressor
  private let window: AlignedBuffer
  private let cluster: AlignedBuffer
  /// The image that it has read last.
  private var image: ImageFile?
  /// What part of that image the window holds.
  private var windowRange = HostOffset(0)..<HostOffset(0)
  /// Which cluster was restored last.
  private var restored: ClusterMapping?

  /// An inflater for images.
  ///
  /// - Parameters:
  ///   - geometry: The size of their clusters.
  ///   - method: How they are compressed.
  /// - Throws: `IOError` or `CompressionError` if there is no memory.
  package init(_ geometry: ClusterGeometry, _ method: CompressionMethod) throws {
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
    max(2 * geometry.clusterSize, 128 << 10)
  }

  /// How much memory an inflater takes.
  static func byteCount(_ geometry: ClusterGeometry) -> Int {
    windowBytes(geometry) + geometry.clusterSize
  }

  /// Whether it has a cluster of an image, or at least its compressed data, in memory.
  func knows(_ mapping: ClusterMapping, of file: ImageFile) -> Bool {
    image === file
      && (mapping == restored || windowRange.contains(mapping.host(geometry)))
  }

  /// Copies a part of a compressed cluster to `part`.
  ///
  /// - Parameters:
  ///   - mapping: The cluster.
  ///   - start: Where in the cluster the part begins; it ends inside the cluster.
  ///   - part: Where the bytes go.
  ///   - file: The image.
  ///   - spanEnd: Asked when the file is to be read: up to where, given the most bytes that the
  ///     window takes. The cluster's own data is read in any case.
  /// - Throws: `ImageError.malformed` if the data does not restore exactly a cluster.
  package func read(
    _ mapping: ClusterMapping, from start: Int, into part: UnsafeMutableRawBufferPointer,
    _ file: ImageFile, upTo spanEnd: (Int) -> HostOffset = { _ in HostOffset(.max) }
  ) throws(ImageError) {
    if image !== file {
      (image, restored, windowRange) = (file, nil, HostOffset(0)..<HostOffset(0))
    }
    if mapping != restored {
      if part.count == geometry.clusterSize {
        return try restore(mapping, to: part, file, spanEnd)
      }
      restored = nil
      try restore(mapping, to: cluster.bytes, file, spanEnd)
      restored = mapping
    }
    part.copyMemory(
      from: UnsafeRawBufferPointer(rebasing: cluster.bytes[start..<start + part.count]))
  }

  private func restore(
    _ mapping: ClusterMapping, to target: UnsafeMutableRawBufferPointer, _ file: ImageFile,
    _ spanEnd: (Int) -> HostOffset
  ) throws(ImageError) {
    let data = try compressed(mapping, file, spanEnd)
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
    _ mapping: ClusterMapping, _ file: ImageFile, _ spanEnd: (Int) -> HostOffset
  ) throws(ImageError) -> UnsafeRawBufferPointer {
    let start = mapping.host(geometry)
    try file.check(1, at: start, "a compressed cluster")
    let end = start.advanced(
      by: min(UInt64(mapping.byteCount(geometry)), file.size - start.bytes))
    if start < windowRange.lowerBound || end > windowRange.upperBound {
      windowRange = HostOffset(0)..<HostOffset(0)
      let wanted = max(end, spanEnd(window.bytes.count)).bytes - start.bytes
      let part = UnsafeMutableRawBufferPointer(
        rebasing: window.bytes[..<Int(min(wanted, UInt64(window.bytes.count)))])
      let count = try file.readSome(into: part, at: start)
      windowRange = start..<start.advanced(by: UInt64(count))
    }
    guard end <= windowRange.upperBound else {
      throw file.shrank(readUpTo: windowRange.upperBound)
    }
    let offset = Int(start.bytes - windowRange.lowerBound.bytes)
    return UnsafeRawBufferPointer(
      rebasing: window.bytes[offset..<offset + Int(end.bytes - start.bytes)])
  }
}

/// Lends inflaters to the threads that read images of one cluster size and compression method, and
/// makes as many as read at a time.
final class InflaterPool: Sendable {
  private let geometry: ClusterGeometry
  private let method: CompressionMethod
  private let idle = Mutex([Inflater]())

  init(_ geometry: ClusterGeometry, _ method: CompressionMethod) {
    self.geometry = geometry
    self.method = method
  }

  /// How much memory a thread needs at the most while it reads.
  var bytesPerReader: Int { Inflater.byteCount(geometry) }

  /// Whether its inflaters read images with such clusters.
  func serves(_ geometry: ClusterGeometry, _ method: CompressionMethod) -> Bool {
    self.geometry.clusterSize == geometry.clusterSize && self.method == method
  }

  /// Lends an inflater for as long as a read takes.
  ///
  /// - Parameters:
  ///   - mapping: The first cluster to restore.
  ///   - file: The image.
  ///   - body: Uses the inflater.
  /// - Throws: What `body` does, or `ImageError.io` if there is no memory for one more.
  func withInflater(
    for mapping: ClusterMapping, of file: ImageFile,
    _ body: (Inflater) throws(ImageError) -> Void
  ) throws(ImageError) {
    let inflater = try take(for: mapping, of: file)
    defer { idle.withLock { $0.append(inflater) } }
    try body(inflater)
  }

  /// Takes the inflater that knows the cluster, if there is one.
  private func take(
    for mapping: ClusterMapping, of file: ImageFile
  ) throws(ImageError) -> Inflater {
    let found = idle.withLock { idle -> Inflater? in
      guard let index = idle.firstIndex(where: { $0.knows(mapping, of: file) }) else {
        return idle.popLast()
      }
      return idle.remove(at: index)
    }
    if let found { return found }
    do {
      return try Inflater(geometry, method)
    } catch let error as IOError {
      throw .io(error)
    } catch {
      throw .io(IOError(allocating: "a decompressor"))
    }
  }
}
