import DedupStore
import DiskIO
import DiskImage
import QCOW2
@testable import QDedupKit
import SystemPackage
import TestSupport
import Testing

/// What duplicates of compressed clusters are compared with (S34).
@Suite struct DuplicateComparisonTests {
  let scratch: TemporaryDirectory
  private let geometry: ClusterGeometry
  private let contents: [[UInt8]]
  /// Where the compressed data of each content is.
  private let mappings: [ClusterMapping]
  private let output: OpenFile

  /// An output with an L2 table at its beginning that maps guest cluster n to the data of content n.
  init() throws {
    scratch = try TemporaryDirectory()
    geometry = try #require(ClusterGeometry(clusterSize: 4096))
    contents = (0..<Self.count).map { [UInt8](repeating: UInt8($0 + 1), count: 4096) }
    let descriptor = try FileDescriptor.open(
      scratch.file("output"), .readWrite, options: .create, permissions: .ownerReadWrite)
    let compression = try #require(Compression(.zstd))
    let compressor = try ClusterCompressor(compression, clusterSize: 4096)
    let room = try AlignedBuffer(byteCount: 8192, purpose: "a test")
    var mappings: [ClusterMapping] = []
    for (index, content) in contents.enumerated() {
      let count = try content.withUnsafeBytes { try compressor.compress($0, into: room.bytes) }
      let host = UInt64(4096 + index * 1024)
      try descriptor.writeAll(toAbsoluteOffset: Int64(host), room.bytes[..<count])
      mappings.append(ClusterMapping(descriptor: UInt64((count - 1) / 512) << 58 | host))
    }
    self.mappings = mappings
    let table = mappings.flatMap { mapping in
      withUnsafeBytes(of: mapping.entry.bigEndian) { Array($0) }
    }
    try descriptor.writeAll(toAbsoluteOffset: 0, table)
    output = OpenFile(OwnedFile(owning: descriptor.rawValue, path: scratch.file("output")))
  }

  private static let count = 6

  /// A disk whose bytes can be had once more, if there are any.
  private struct Disk: BatchSource {
    let bytes: [UInt8]?
    var virtualSize: UInt64 { 0 }
    var fileSize: UInt64 { 0 }
    func fill(_ batch: Batch) -> Bool { false }
    func reread(into buffer: UnsafeMutableRawBufferPointer, at offset: GuestOffset) -> Bool {
      guard let bytes else { return false }
      buffer.copyBytes(from: bytes[Int(offset.bytes)..<Int(offset.bytes) + buffer.count])
      return true
    }
  }

  /// Compares a batch whose cluster n has content n, and is called a duplicate of guest cluster n.
  ///
  /// - Parameters:
  ///   - disk: What the input gives once more.
  ///   - places: Where the store says that content n is.
  /// - Returns: The clusters that turned out to be collisions.
  /// - Throws: `ConversionError`.
  private func collisions(_ disk: [UInt8]?, _ places: [ClusterMapping]) throws -> [Int] {
    let shape = BatchShape(geometry, isCompressed: true)
    let batch = try Batch(
      byteCount: shape.byteCount, geometry: geometry,
      compressedByteCount: shape.compressedByteCount)
    batch.assign(ticket: 0, start: GuestOffset(1 << 20), clusterCount: Self.count)
    for (index, content) in contents.enumerated() {
      batch.address(index).copyMemory(from: content, byteCount: 4096)
      batch.plans[index] = ClusterPlan(kind: .duplicate, digest: Digest(high: 0, low: 0))
      batch.places[index] = ClusterPlace(
        mapping: places[index], owner: GuestOffset(UInt64(index * 4096)),
        ownerEntry: HostOffset(UInt64(index * 8)), references: 0, originalPlace: nil)
    }
    let written = WrittenPrefix()
    written.markWritten(written.addWrite(upTo: HostOffset(1 << 20)))
    let comparison = DuplicateComparison(
      source: Disk(bytes: disk), output: output, written: written, goesForward: true,
      stored: try StoredClusters(geometry, shape, method: .zstd))
    try comparison.compare(batch)
    return (0..<Self.count).filter { batch.plans[$0].kind == .collision }
  }

  @Test("S34: a guest cluster that the output maps there is compared with in the input")
  func input() throws {
    var disk = contents.flatMap { $0 }
    #expect(try collisions(disk, mappings) == [])
    disk[2 * 4096 + 4095] ^= 1
    #expect(try collisions(disk, mappings) == [2])
  }

  @Test("S34: what the input does not give once more is compared with in the output")
  func inputIsGone() throws {
    #expect(try collisions(nil, mappings) == [])
    let places = [mappings[0], mappings[2], mappings[2], mappings[3], mappings[3], mappings[5]]
    #expect(try collisions(nil, places) == [1, 4])
  }

  @Test("S34: a place where the output maps something else is not believed, whatever the input has")
  func wrongPlace() throws {
    let disk = contents.flatMap { $0 }
    for wrong in 0..<Self.count {
      var places = mappings
      places[wrong] = mappings[(wrong + 1) % Self.count]
      #expect(try collisions(disk, places) == [wrong])
    }
  }
}
