public import DiskIO
public import DiskImage
internal import Synchronization
public import SystemPackage

/// An image of the kind that `ImageWriter` writes, read back from its file: standard and
/// compressed clusters, shared or not, and nothing else. Used to verify an output before it gets its name.
///
/// Several threads read at a time; they share the L2 table that was used last.
public final class PlainImage: ImageSource {
  /// One L2 table as it stands in the file.
  private struct Table {
    var index: Int?
    var bytes: [UInt8] = []
  }

  private let file: OwnedFile
  private let geometry: ClusterGeometry
  private let compression: Compression.Method
  private let l1: [UInt8]
  private let cache = Mutex(Table())

  /// The size of the disk in bytes.
  public let virtualSize: UInt64
  /// The size of the file in bytes.
  public let fileSize: UInt64
  /// The name of the file.
  public var path: FilePath { file.path }

  /// Reads header and L1 table.
  ///
  /// - Parameter file: The image, open for reading.
  /// - Throws: `ImageError.malformed` if it is not of this kind, or `.io`.
  public init(_ file: consuming OwnedFile) throws(ImageError) {
    fileSize = try file.imageSize()
    let head = try file.imageBytes(count: Header.length, at: 0)
    let header = try Header(decoding: head, from: file.path)
    guard let geometry = ClusterGeometry(clusterSize: 1 << header.clusterBits) else {
      throw .malformed(file.path, reason: "cluster_bits \(header.clusterBits), must be 9 to 21")
    }
    let limits = ImageLimits(geometry)
    guard header.virtualSize <= limits.virtualSize,
      UInt64(header.l1EntryCount) == limits.l1EntryCount(forVirtualSize: header.virtualSize)
    else {
      throw .malformed(
        file.path,
        reason: """
          an L1 table of \(header.l1EntryCount) entries for a disk of \(header.virtualSize) bytes
          """)
    }
    self.geometry = geometry
    compression = header.compression
    virtualSize = header.virtualSize
    l1 = try file.imageBytes(count: Int(header.l1EntryCount) * 8, at: header.l1Offset.bytes)
    self.file = file
  }

  /// The next run of allocated clusters that one L2 table maps.
  public func nextData(from offset: GuestOffset) throws(ImageError) -> GuestRange? {
    // The end of the disk may lie inside its last cluster.
    guard offset.bytes < virtualSize else { return nil }
    let end = geometry.clusterCount(forBytes: virtualSize)
    var cluster = geometry.clusterIndex(at: offset)
    while cluster < end {
      let index = Int(cluster >> slotBits)
      let afterTable = min(end, UInt64(index + 1) << slotBits)
      if let run = try firstRun(in: cluster..<afterTable, tableIndex: index) {
        let start = max(offset, GuestOffset(run.lowerBound << geometry.clusterBits))
        return GuestRange(
          start, upTo: GuestOffset(min(virtualSize, run.upperBound << geometry.clusterBits)))
      }
      cluster = afterTable
    }
    return nil
  }

  /// Reads cluster by cluster; unallocated ones are zeros.
  public func read(
    into buffer: UnsafeMutableRawBufferPointer, at offset: GuestOffset
  ) throws(ImageError) {
    var done = 0
    while done < buffer.count {
      let place = GuestOffset(offset.bytes + UInt64(done))
      let inCluster = Int(place.bytes & UInt64(geometry.clusterSize - 1))
      let count = min(buffer.count - done, geometry.clusterSize - inCluster)
      let part = UnsafeMutableRawBufferPointer(rebasing: buffer[done..<done + count])
      let cluster = geometry.clusterIndex(at: place)
      if let mapping = try mapping(of: cluster) {
        try read(mapping, into: part, from: inCluster)
      } else {
        part.initializeMemory(as: UInt8.self, repeating: 0)
      }
      done += count
    }
  }

  private var slotBits: Int { geometry.clusterBits - 3 }

  /// Reads a part of one cluster, which begins `inCluster` bytes from the cluster's beginning.
  private func read(
    _ mapping: ClusterMapping, into part: UnsafeMutableRawBufferPointer, from inCluster: Int
  ) throws(ImageError) {
    let host = mapping.host(geometry).bytes
    guard mapping.isCompressed else {
      return try file.readImage(into: part, at: host + UInt64(inCluster))
    }
    // The last sector of the last compressed cluster may reach beyond the file's end.
    let count = min(UInt64(mapping.byteCount(geometry)), fileSize - min(host, fileSize))
    let data = try file.imageBytes(count: Int(count), at: host)
    let cluster: AlignedBuffer
    do {
      cluster = try AlignedBuffer(byteCount: geometry.clusterSize, purpose: "a cluster")
    } catch {
      throw .io(error)
    }
    do throws(CompressionError) {
      try ClusterDecompressor(compression).decompress(data, into: cluster.bytes)
    } catch {
      throw .malformed(path, reason: "\(error), at byte \(host)")
    }
    part.copyMemory(
      from: UnsafeRawBufferPointer(rebasing: cluster.bytes[inCluster..<inCluster + part.count]))
  }

  /// Where a guest cluster's data stands; nil if it is unallocated or behind the end.
  private func mapping(of cluster: UInt64) throws(ImageError) -> ClusterMapping? {
    guard cluster < geometry.clusterCount(forBytes: virtualSize) else { return nil }
    return try withTable(Int(cluster >> slotBits)) { table in
      table.flatMap {
        ClusterMapping(l2Entry: Self.entry(cluster & (1 << slotBits - 1), of: $0))
      }
    }
  }

  /// The first run of allocated clusters in a range that one table maps.
  private func firstRun(
    in range: Range<UInt64>, tableIndex: Int
  ) throws(ImageError) -> Range<UInt64>? {
    try withTable(tableIndex) { table in
      guard let table else { return nil }
      func isData(_ cluster: UInt64) -> Bool {
        ClusterMapping(l2Entry: Self.entry(cluster & (1 << slotBits - 1), of: table)) != nil
      }
      guard let first = range.first(where: isData) else { return nil }
      let end = (first..<range.upperBound).first { !isData($0) } ?? range.upperBound
      return first..<end
    }
  }

  /// Hands an L2 table's bytes to `body`; nil if there is no such table.
  private func withTable<Result>(
    _ index: Int, _ body: ([UInt8]?) -> Result
  ) throws(ImageError) -> Result {
    guard let host = TableEntry.hostOffset(Self.entry(UInt64(index), of: l1)) else {
      return body(nil)
    }
    return try cache.withLock { table throws(ImageError) in
      if table.index != index {
        table.index = nil
        table.bytes = try file.imageBytes(count: geometry.clusterSize, at: host.bytes)
        table.index = index
      }
      return body(table.bytes)
    }
  }

  private static func entry(_ index: UInt64, of table: [UInt8]) -> UInt64 {
    table.withUnsafeBytes { $0.loadBigEndian(UInt64.self, at: Int(index) * 8) }
  }
}

extension Header {
  /// Decodes a header; what is wrong with it is an error of the image at `path`.
  fileprivate init(decoding bytes: [UInt8], from path: FilePath) throws(ImageError) {
    do { try self.init(decoding: bytes) } catch { throw .malformed(path, reason: error.reason) }
  }
}

extension OwnedFile {
  /// The file's size; a failure is an error of the image.
  fileprivate borrowing func imageSize() throws(ImageError) -> UInt64 {
    do { return try size() } catch { throw .io(error) }
  }

  /// Fills `buffer` from `offset`; bytes behind the file's end are an error of the image.
  fileprivate borrowing func readImage(
    into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64
  ) throws(ImageError) {
    let count: Int
    do { count = try read(into: buffer, at: offset) } catch { throw .io(error) }
    guard count == buffer.count else {
      throw .malformed(
        path, reason: "\(buffer.count) bytes at byte \(offset) reach beyond the file's end")
    }
  }

  /// Reads `count` bytes at `offset`, which must lie inside the file.
  fileprivate borrowing func imageBytes(
    count: Int, at offset: UInt64
  ) throws(ImageError) -> [UInt8] {
    let size = try imageSize()
    guard offset <= size, UInt64(count) <= size - offset else {
      throw .malformed(path, reason: "\(count) bytes at byte \(offset) reach beyond the file's end")
    }
    let buffer: AlignedBuffer
    do { buffer = try AlignedBuffer(byteCount: count, purpose: "a table") } catch {
      throw .io(error)
    }
    try readImage(into: buffer.bytes, at: offset)
    return Array(buffer.bytes)
  }
}
